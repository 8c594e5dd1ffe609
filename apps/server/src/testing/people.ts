import { inviteResponse, type Role } from "@saveos/contract";
import { type Answer, send } from "./api-client.ts";

/** A person's way in: the cookie of their session. */
export interface SignedIn {
  readonly cookie: string;
}

export const testPassword = "correct horse battery staple";

/** Sets a new server up by its link, as its first owner. */
export async function setUpServer(url: string, setUpLink: string, email = "owner@example.com"): Promise<SignedIn> {
  const token = new URL(setUpLink).hash.slice(1);
  const body = { token, tenant_name: "First", name: "Olivia Owner", email, password: testPassword };
  return signedInBy(await send(url, "POST", "/api/v1/setup", { body }));
}

/** Invites somebody with the rights of `by`, and has them accept. */
export async function joinAs(url: string, by: SignedIn, role: Role, email: string): Promise<SignedIn> {
  const invited = await send(url, "POST", "/api/v1/users", { headers: { cookie: by.cookie }, body: { email, role } });
  return await accept(url, inviteResponse.parse(invited.body).token);
}

/** Accepts an invitation with a new account. */
export async function accept(url: string, token: string): Promise<SignedIn> {
  const body = { token, name: "New Person", password: testPassword };
  return signedInBy(await send(url, "POST", "/api/v1/invitations/accept", { body }));
}

function signedInBy({ status, headers, body }: Answer): SignedIn {
  const cookie = headers
    .getSetCookie()
    .map((each) => each.split(";", 1)[0])
    .join("; ");
  if (cookie === "") throw new Error(`nobody was signed in: ${status} ${JSON.stringify(body)}`);
  return { cookie };
}
