import { inviteResponse, session } from "@saveos/contract";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { send } from "../../apps/server/src/testing/api-client.ts";
import { startFreshServer } from "../../apps/server/src/testing/fresh-server.ts";
import { accept, joinAs, setUpServer, type SignedIn, testPassword } from "../../apps/server/src/testing/people.ts";
import type { TestServer } from "../../apps/server/src/testing/start-server.ts";
import { startTestDatabases, type TestDatabases } from "../../apps/server/src/testing/test-databases.ts";
import { startChromium } from "../support/chromium.ts";
import { describeWith } from "../support/missing-peers.ts";

describeWith(["chromium"], "the page for who comes in with a link, in Chromium", () => {
  let browser: Browser;
  let databases: TestDatabases;
  let server: TestServer;
  /** What the page sent, and what the browser had to complain about. */
  let sent: string[];
  let complaints: string[];

  beforeAll(async () => {
    browser = await startChromium();
    databases = await startTestDatabases();
  });
  afterAll(async () => {
    await browser.close();
    await databases.stop();
  });
  beforeEach(async () => {
    ({ server } = await startFreshServer(databases));
    [sent, complaints] = [[], []];
  });
  afterEach(async () => await server.stop());

  async function open(path: string, options: BrowserContextOptions = { locale: "en-GB" }): Promise<Page> {
    const page = await (await browser.newContext(options)).newPage();
    page.on("request", (request) => sent.push(request.url()));
    page.on("pageerror", ({ message }) => complaints.push(message));
    page.on("console", (said) => {
      // A refusal is the server's right, and shown on the page.
      if (!said.text().startsWith("Failed to load resource")) complaints.push(said.text());
    });
    await page.goto(new URL(path, server.httpUrl).href);
    return page;
  }

  /** Where the printed link leads, on the port that the test's server has. */
  function setUpPath(): string {
    const { pathname, hash } = new URL(server.setUpLink ?? "");
    return pathname + hash;
  }

  async function fillIn(page: Page, more: Record<string, string> = {}): Promise<void> {
    const texts = { Organisation: "Bakery", "Your name": "Olivia", "E-mail address": "olivia@example.com", ...more };
    for (const [label, text] of Object.entries(texts)) await page.getByLabel(label, { exact: true }).fill(text);
    await page.getByLabel("Password", { exact: true }).fill(more["Password"] ?? testPassword);
  }

  test("the first owner sets the server up with the keyboard alone, is signed in, and reads what comes next", async () => {
    const page = await open(setUpPath());
    for (const text of ["Bakery", "Olivia", "olivia@example.com", testPassword]) {
      await page.keyboard.type(text);
      await page.keyboard.press("Tab");
    }
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "The server is yours" }).waitFor();
    expect(await page.locator("#done-who").textContent()).toBe(
      "Olivia, you are signed in as olivia@example.com. Your role in Bakery: Owner.",
    );
    expect(await page.evaluate<string>("document.activeElement.id")).toBe("done-title");
    expect(await page.evaluate<string>("location.href")).toBe(`${server.httpUrl}/setup`);
    const cookies = await page.context().cookies();
    expect(cookies).toMatchObject([{ name: "saveos.session_token", httpOnly: true, sameSite: "Strict" }]);
    expect(complaints).toEqual([]);
    await page.getByRole("link", { name: "Open the API documentation" }).click();
    await page.waitForURL(/\/docs/);
  });

  test("the link's token is in no address, and nothing is asked of anybody else", async () => {
    const page = await open(setUpPath());
    await fillIn(page);
    await page.getByRole("button", { name: "Set up the server" }).click();
    await page.getByRole("heading", { name: "The server is yours" }).waitFor();
    const token = new URL(server.setUpLink ?? "").hash.slice(1);
    for (const address of sent) {
      expect(address.startsWith(`${server.httpUrl}/`)).toBe(true);
      expect(new URL(address).pathname + new URL(address).search).not.toContain(token);
    }
    expect(complaints).toEqual([]);
  });

  test("what is wrong is said at its field, the first of them has the focus, and it goes when it is mended", async () => {
    const page = await open(setUpPath());
    await fillIn(page, { Organisation: "", "E-mail address": "olivia", Password: "short" });
    await page.getByRole("button", { name: "Set up the server" }).click();
    const organisation = page.getByLabel("Organisation", { exact: true });
    expect(await organisation.getAttribute("aria-invalid")).toBe("true");
    expect(await page.evaluate<string>("document.activeElement.id")).toBe("tenant_name");
    expect(await page.locator(".wrong").allTextContents()).toEqual([
      "Please fill this in.",
      "",
      "This is not an e-mail address.",
      "This needs 12 characters or more.",
    ]);
    await organisation.fill("Bakery");
    expect(await page.locator("#tenant_name-wrong").textContent()).toBe("");
    expect(sent.filter((address) => address.includes("/api/"))).toEqual([]);
  });

  test("what only the server knows to be wrong is said at its field too", async () => {
    const page = await open(setUpPath());
    // The browser's idea of an e-mail address is wider than the server's.
    await fillIn(page, { "E-mail address": "olivia@localhost" });
    await page.getByRole("button", { name: "Set up the server" }).click();
    await page.getByText("This is not an e-mail address.").waitFor();
    expect(await page.evaluate<string>("document.activeElement.id")).toBe("email");
  });

  test("a link that is no good is told as a whole, in the reader's language", async () => {
    const page = await open("/setup#saveos_invite_wrong", { locale: "fr-FR" });
    await page.getByLabel("Organisation", { exact: true }).fill("Boulangerie");
    await page.getByLabel("Votre nom", { exact: true }).fill("Olivia");
    await page.getByLabel("Adresse e-mail", { exact: true }).fill("olivia@example.com");
    await page.getByLabel("Mot de passe", { exact: true }).fill(testPassword);
    await page.getByRole("button", { name: "Configurer le serveur" }).click();
    const alert = page.getByRole("alert");
    await alert.waitFor();
    expect(await alert.textContent()).toContain("Ce lien n’est pas valable");
    expect(await page.evaluate<string>("document.activeElement.id")).toBe("problem");
    expect(await page.getByRole("button", { name: "Configurer le serveur" }).isEnabled()).toBe(true);
  });

  test("a server that doesn't answer is said, and nothing that was typed is lost", async () => {
    const page = await open(setUpPath());
    await fillIn(page);
    await page.context().setOffline(true);
    await page.getByRole("button", { name: "Set up the server" }).click();
    await page.getByRole("alert").waitFor();
    expect(await page.getByRole("alert").textContent()).toContain("The server doesn’t answer");
    await page.context().setOffline(false);
    await page.getByRole("button", { name: "Set up the server" }).click();
    await page.getByRole("heading", { name: "The server is yours" }).waitFor();
  });

  test("the strength of a password is what can be known of it", async () => {
    const page = await open(setUpPath());
    const strengthOf = async (password: string) => {
      await fillIn(page, { Organisation: "Boulangerie Martin", Password: password });
      return await page.locator("#strength").getAttribute("data-level");
    };
    expect(await strengthOf("eleven char")).toBe("short");
    for (const guessed of ["aaaaaaaaaaaaaaaaaaaa", "password1234", "Boulangerie1", "qwerty123456!", "121212121212"]) {
      expect(await strengthOf(guessed), guessed).toBe("guessed");
    }
    expect(await strengthOf("tram goose 7")).toBe("good");
    expect(await strengthOf(testPassword)).toBe("strong");
    expect(await strengthOf("my boulangerie has seven ovens"), "one such word in a long phrase").toBe("strong");
    expect(await page.locator("#strength").textContent()).toBe("Strong: 30 characters");
  });

  test("a password is shown only while one asks for it", async () => {
    const page = await open(setUpPath());
    const password = page.getByLabel("Password", { exact: true });
    expect(await password.getAttribute("type")).toBe("password");
    await page.getByRole("button", { name: "Show" }).click();
    expect(await password.getAttribute("type")).toBe("text");
    await page.getByRole("button", { name: "Hide" }).click();
    expect(await password.getAttribute("type")).toBe("password");
  });

  test("without the link's token the page says where to get one, and asks for nothing", async () => {
    const page = await open("/setup");
    await page.getByText("npx saveos-server setup-link").waitFor();
    expect(await page.locator("form").isVisible()).toBe(false);
  });

  test("who was invited joins, and reads only what they may do next", async () => {
    const owner = await setUpServer(server.httpUrl, server.setUpLink ?? "");
    const page = await open(`/invitation#${await invite(owner, "viewer@example.com", "viewer")}`);
    await page.getByLabel("Your name", { exact: true }).fill("Vera");
    await page.getByLabel("Password", { exact: true }).fill(testPassword);
    expect(await page.getByLabel("Organisation", { exact: true }).isVisible()).toBe(false);
    await page.getByRole("button", { name: "Join" }).click();
    await page.getByRole("heading", { name: "Welcome" }).waitFor();
    expect(await page.locator("#done-who").textContent()).toContain("Your role in First: Viewer.");
    expect(await page.getByText("Enrol a machine.").isVisible()).toBe(false);
    expect(await page.getByText("What comes next").isVisible()).toBe(false);
    expect(complaints).toEqual([]);
  });

  test("who has an account is told at the password when it is not theirs, and then joins with it", async () => {
    const owner = await setUpServer(server.httpUrl, server.setUpLink ?? "");
    await joinAs(server.httpUrl, owner, "viewer", "both@example.com");
    const other = await send(server.httpUrl, "POST", "/api/v1/tenants", {
      headers: { cookie: owner.cookie },
      body: { name: "Other", owner_email: "stranger@example.com" },
    });
    const { token } = inviteResponse.parse((other.body as { invitation: unknown }).invitation);
    const stranger = await accept(server.httpUrl, token);
    const page = await open(`/invitation#${await invite(stranger, "both@example.com", "operator")}`);
    await page.getByLabel("Your name", { exact: true }).fill("Bo");
    await page.getByLabel("Password", { exact: true }).fill("not my password");
    await page.getByRole("button", { name: "Join" }).click();
    await page.getByText("this isn’t its password").waitFor();
    expect(await page.evaluate<string>("document.activeElement.id")).toBe("password");
    await page.getByLabel("Password", { exact: true }).fill(testPassword);
    await page.getByRole("button", { name: "Join" }).click();
    await page.getByRole("heading", { name: "Welcome" }).waitFor();
    const [cookie] = await page.context().cookies();
    const shown = await send(server.httpUrl, "GET", "/api/v1/session", {
      headers: { cookie: `${cookie?.name}=${cookie?.value}` },
    });
    expect(session.parse(shown.body).tenants).toHaveLength(2);
  });

  async function invite({ cookie }: SignedIn, email: string, role: string): Promise<string> {
    const invited = await send(server.httpUrl, "POST", "/api/v1/users", { headers: { cookie }, body: { email, role } });
    return inviteResponse.parse(invited.body).token;
  }

  test.each([
    ["a phone", 320, "light"],
    ["a phone at night", 390, "dark"],
    ["a desktop", 1400, "light"],
  ] as const)(
    "nothing is cut off on %s, and every text can be told from what is behind it",
    async (_on, width, theme) => {
      for (const locale of ["en-GB", "fr-FR"]) {
        const page = await open(setUpPath(), { locale, colorScheme: theme, viewport: { width, height: 800 } });
        expect(await page.evaluate<boolean>("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
        const contrasts = await page.evaluate<number[]>(contrastsInPage);
        expect(contrasts.length).toBeGreaterThan(5);
        // WCAG 2.2, success criterion 1.4.3.
        expect(Math.min(...contrasts)).toBeGreaterThanOrEqual(4.5);
      }
    },
  );
});

/** The contrast of each text with the page or button behind it (WCAG 2.2, "contrast ratio"). */
const contrastsInPage = `(() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const luminance = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let each = element; each !== null; each = each.parentElement) {
      const { backgroundColor } = getComputedStyle(each);
      if (backgroundColor !== "rgba(0, 0, 0, 0)") return backgroundColor;
    }
    return "white";
  };
  const texts = [...document.querySelectorAll("h1, p, label, .hint, button, footer, header a")].filter((element) => element.checkVisibility());
  return texts.map((element) => {
    const [a, b] = [luminance(getComputedStyle(element).color), luminance(behind(element))].sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05);
  });
})()`;
