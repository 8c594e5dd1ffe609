import { signStatement, verifyStatement } from "@saveos/vault";
import { nowText } from "../../host/clock.ts";
import { AgentError } from "../../errors/agent-error.ts";
import type { Invocation } from "../command-line.ts";
import { type OpenOptions, openVault, type OpenVault } from "./open-vault.ts";
import { VaultServer } from "./vault-server.ts";

/** Signs the choice whether the server may see names in reports. */
export async function chooseNames(invocation: Invocation<OpenOptions>): Promise<void> {
  const { world, operands, print } = invocation;
  const [choice] = operands;
  if (choice !== "show" && choice !== "hide")
    throw new AgentError("usage", `Names can be shown or hidden, not "${choice}".`, {
      hint: "`saveos-agent vault names show` or `saveos-agent vault names hide`.",
    });
  const visible = choice === "show";
  await using server = await VaultServer.find(invocation);
  const opened = await openVault(invocation, server);
  const names = await signStatement(opened.identity, {
    kind: "names",
    from: opened.pin.recipient,
    visible,
    serial: serialOf(opened) + 1,
    at: nowText(world.clock),
  });
  await server.ask({ method: "PUT", path: "/api/v1/vault/names", body: { names } });
  await print.result(
    visible
      ? "The server may see names of files in reports from now on. What it has seen it can't forget."
      : "The server sees no names of files in reports from now on.",
  );
  await print.record({ message_type: "vault_names", visible });
}

/** Of the choice that there is. */
function serialOf({ pin, shown }: OpenVault): number {
  if (shown.names === null) return 0;
  const said = verifyStatement(pin, shown.names);
  return said.kind === "names" ? said.serial : 0;
}
