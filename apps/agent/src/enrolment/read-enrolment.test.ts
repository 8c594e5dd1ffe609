import { writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { TestMachine } from "../testing/test-world.ts";
import { readEnrolmentFile, readEnrolmentParts, readEnrolmentStream } from "./read-enrolment.ts";

const enrolment = {
  server_url: "https://backup.example:8000",
  certificate_authority: "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
  token: "saveos_enrol_1_abc",
};
const provisioned = {
  agent_id: "0b3c8f0e-0000-4000-8000-000000000001",
  expires_at: "2026-02-01T08:30:00Z",
  package_url: null,
  enrolment,
};

async function* stream(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text);
}

test("an enrolment may come alone or in the whole answer of the provisioning", async () => {
  await using machine = await TestMachine.create();
  await writeFile(machine.path("whole.json"), JSON.stringify(provisioned));
  expect(await readEnrolmentFile(machine.path("whole.json"))).toEqual(enrolment);
  expect(await readEnrolmentStream(stream(JSON.stringify(enrolment)))).toEqual(enrolment);
});

test("an enrolment may come in parts", async () => {
  await using machine = await TestMachine.create();
  await writeFile(machine.path("ca.pem"), enrolment.certificate_authority);
  await writeFile(machine.path("token"), `${enrolment.token}\n`);
  const parts = {
    serverUrl: "https://backup.example:8000/",
    caFile: machine.path("ca.pem"),
    tokenFile: machine.path("token"),
  };
  expect(await readEnrolmentParts(parts)).toEqual(enrolment);
});

test.each([
  ["no JSON", "hello"],
  ["another document", '{"a":1}'],
  ["an address without TLS", JSON.stringify({ ...enrolment, server_url: "http://backup.example" })],
  ["no certificate", JSON.stringify({ ...enrolment, certificate_authority: "x" })],
])("%s is no enrolment, and the token in it is never repeated", async (_, text) => {
  const failure = await readEnrolmentStream(stream(text)).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: "usage" });
  expect(String(failure)).not.toContain(enrolment.token);
});
