/*
 * The page on which somebody comes in with a link: the first owner, or who was invited. The link's token is behind the `#` of the address, which browsers
 * send to nobody; it leaves this page in the body of one request.
 */

const words = JSON.parse(document.getElementById("words").textContent);
const page = document.querySelector("main").dataset.page;
const address = { setup: "/api/v1/setup", invitation: "/api/v1/invitations/accept" }[page];
const passwordMinLength = 12;
const strongLength = 16;

const form = document.querySelector("form");
const problem = document.getElementById("problem");
const submit = form.querySelector("[type=submit]");
/** The fields that this page asks for. */
const fields = [...form.querySelectorAll("input")].filter(
  (input) => page === "setup" || input.closest(".for-setup") === null,
);

begin();

function begin() {
  if (words.isSetUpAlready) return;
  if (token() === "") explainLink();
  else ask();
  // Another link that is opened in this tab changes nothing but the part behind the `#`.
  addEventListener("hashchange", () => location.reload());
}

function ask() {
  form.hidden = false;
  form.addEventListener("input", onInput);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void trySubmit();
  });
  document.getElementById("reveal").addEventListener("click", onReveal);
  fields[0].focus({ preventScroll: true });
}

function token() {
  return decodeURIComponent(location.hash.slice(1));
}

function explainLink() {
  document.getElementById("lead").hidden = true;
  document.getElementById("no-link").hidden = false;
}

function onInput({ target }) {
  if (target.name === "password") showStrength();
  if (target.getAttribute("aria-invalid") === "true") tellWrong(target, "");
}

function onReveal({ currentTarget }) {
  const isShown = form.password.type === "text";
  form.password.type = isShown ? "password" : "text";
  currentTarget.textContent = isShown ? words.show : words.hide;
  currentTarget.setAttribute("aria-pressed", String(!isShown));
}

async function trySubmit() {
  if (submit.getAttribute("aria-disabled") === "true") return;
  tellProblem("");
  for (const input of fields) tellWrong(input, wrongIn(input));
  if (focusOnWrong()) return;
  setBusy(true);
  try {
    const answer = await send();
    if (answer.ok) await tellDone();
    else await tellRefusal(answer);
  } catch {
    tellProblem(words.unreachable);
  } finally {
    setBusy(false);
  }
}

async function send() {
  const typed = Object.fromEntries(
    fields.map((input) => [input.name, input.name === "password" ? input.value : input.value.trim()]),
  );
  return await fetch(address, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ token: token(), ...typed }),
  });
}

/** What the server will say no to, said before it is asked. */
function wrongIn(input) {
  if (input.value.trim() === "") return words.wrong.empty;
  if (input.name === "password" && [...input.value].length < passwordMinLength) return words.wrong.password;
  if (input.name === "email" && !input.validity.valid) return words.wrong.email;
  return "";
}

function tellWrong(input, message) {
  document.getElementById(`${input.id}-wrong`).textContent = message;
  if (message === "") input.removeAttribute("aria-invalid");
  else input.setAttribute("aria-invalid", "true");
}

function focusOnWrong() {
  const wrong = fields.find((input) => input.getAttribute("aria-invalid") === "true");
  wrong?.focus();
  return wrong !== undefined;
}

function tellProblem(message) {
  problem.textContent = message;
  problem.hidden = message === "";
  if (message !== "") problem.focus();
}

/** A problem of the API (RFC 9457): at the fields that it names, else as a whole. */
async function tellRefusal(answer) {
  const { detail = "", errors = [] } = await answer.json().catch(() => ({}));
  for (const { pointer, message } of errors) {
    const input = fields.find(({ name }) => pointer === `/${name}`);
    if (input !== undefined)
      tellWrong(input, words.refusedFields[`${answer.status} ${input.name}`] ?? words.wrong[input.name] ?? message);
  }
  if (focusOnWrong()) return;
  const seconds = answer.headers.get("retry-after") ?? "60";
  const said = words.refused[answer.status] ?? (words.speaksAsServer && detail !== "" ? detail : words.refused.other);
  tellProblem(said.replace("{seconds}", seconds));
}

function setBusy(isBusy) {
  submit.setAttribute("aria-disabled", String(isBusy));
  submit.textContent = isBusy ? words.working : words.submit;
}

async function tellDone() {
  // The link is spent: it needn't stay in the address and the history.
  history.replaceState(null, "", location.pathname);
  const answer = await fetch("/api/v1/session");
  const session = answer.ok ? await answer.json() : undefined;
  document.getElementById("ask").hidden = true;
  document.getElementById("done").hidden = false;
  const title = document.getElementById("done-title");
  title.textContent = words.done;
  if (session !== undefined) tellWho(session);
  document.title = `${words.done} – SaveOS`;
  scrollTo(0, 0);
  title.focus();
}

function tellWho({ user, tenant, permissions }) {
  document.getElementById("done-who").textContent = words.signedIn
    .replace("{name}", () => user.name)
    .replace("{email}", () => user.email)
    .replace("{role}", () => words.roles[tenant.role])
    .replace("{tenant}", () => tenant.name);
  const steps = [...document.querySelectorAll("[data-permission]")];
  for (const step of steps) step.hidden = !permissions.includes(step.dataset.permission);
  document.getElementById("next").hidden = steps.every((step) => step.hidden);
}

/** Says of a password what can be known here: how long it is, and whether it is among those that are tried first. Not that nobody else knows it. */
function showStrength() {
  const level = strengthOf(form.password.value);
  const strength = document.getElementById("strength");
  strength.dataset.level = level;
  strength.querySelector("b").textContent = (words.strength[level] ?? "").replace(
    "{count}",
    [...form.password.value].length,
  );
}

function strengthOf(password) {
  const length = [...password].length;
  if (length === 0) return "none";
  if (length < passwordMinLength) return "short";
  if (isTriedFirst(password.toLowerCase())) return "guessed";
  return length >= strongLength ? "strong" : "good";
}

function isTriedFirst(password) {
  if (new Set(password).size < 6) return true;
  const own = fields
    .filter(({ name }) => name !== "password")
    .flatMap(({ value }) => value.toLowerCase().split(/[^\p{L}\p{N}]+/u))
    .filter((word) => word.length > 3);
  const common = [
    "password",
    "passwort",
    "motdepasse",
    "azerty",
    "qwerty",
    "123456",
    "abcdef",
    "letmein",
    "saveos",
    "admin",
  ];
  // One such word in a long phrase does no harm: what is left without them must be long by itself.
  const left = [...own, ...common].reduce((rest, word) => rest.replaceAll(word, ""), password);
  return left.length < 8 && left.length < password.length;
}
