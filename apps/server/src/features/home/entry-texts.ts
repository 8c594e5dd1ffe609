import type { Language } from "./texts.ts";

/** Where somebody comes in with a link. */
export type EntryPage = "setup" | "invitation";

/** What the page says before anything is done. Words that differ between the two pages are in `ofPages`. */
const inPage = {
  en: {
    needsScript:
      "This page works with JavaScript only: your link is read in your browser, and sent nowhere before you send the form.",
    organisation: "Organisation",
    organisationHint: "Everybody you invite sees it. You can change it later.",
    name: "Your name",
    email: "E-mail address",
    emailHint: "You sign in with it. Nothing is sent to it.",
    password: "Password",
    show: "Show",
    next: "What comes next",
    nextMachine: "Enrol a machine.",
    nextMachineHow: "The answer is the file for its agent, and where to get the agent.",
    nextPlan: "Say what is backed up, and when.",
    nextPlanHow: "A plan is for the machines that you name, or for all with a tag.",
    nextPeople: "Invite the others.",
    nextPeopleHow: "Each gets a link that works once. Have a second owner: the last one can't be replaced.",
    docs: "Open the API documentation",
    licence: "Free software under the GNU Affero General Public License, version 3.",
  },
  fr: {
    needsScript:
      "Cette page a besoin de JavaScript : votre lien est lu dans votre navigateur, et n’est envoyé nulle part avant le formulaire.",
    organisation: "Organisation",
    organisationHint: "Toutes les personnes invitées la voient. Vous pourrez la changer plus tard.",
    name: "Votre nom",
    email: "Adresse e-mail",
    emailHint: "Elle sert à vous connecter. Rien n’y est envoyé.",
    password: "Mot de passe",
    show: "Afficher",
    next: "Et ensuite",
    nextMachine: "Enrôlez une machine.",
    nextMachineHow: "La réponse est le fichier destiné à son agent, avec l’adresse où trouver l’agent.",
    nextPlan: "Dites ce qui est sauvegardé, et quand.",
    nextPlanHow: "Un plan vaut pour les machines que vous nommez, ou pour toutes celles qui portent une étiquette.",
    nextPeople: "Invitez les autres.",
    nextPeopleHow:
      "Chaque personne reçoit un lien qui fonctionne une fois. Prévoyez un second propriétaire : le dernier ne peut pas être remplacé.",
    docs: "Ouvrir la documentation de l’API",
    licence: "Logiciel libre sous licence publique générale GNU Affero, version 3.",
  },
} as const;

const ofPages = {
  en: {
    setup: {
      title: "Set up this server",
      lead: "You become its owner: you say who else may come in, and which machines are backed up. The link works once.",
      submit: "Set up the server",
      passwordHint:
        "12 characters or more. Length makes it strong: several words are better than a few signs. It can’t be recovered by e-mail.",
      noLink:
        "This page needs the whole link that the server printed when it started. To print a new one, run <code>npx saveos-server setup-link</code> where the server runs.",
      refused: {
        401: "This link isn’t valid, or not any more. To get another, run “npx saveos-server setup-link” where the server runs.",
        409: "This server is set up already. Ask one of its owners for an invitation.",
      },
      done: "The server is yours",
    },
    invitation: {
      title: "Join your team",
      lead: "Somebody has invited you to SaveOS, where your organisation keeps its backups. The link works once.",
      submit: "Join",
      passwordHint:
        "If you have an account on this server, its password. Else choose one: 12 characters or more. Length makes it strong, several words are better than a few signs.",
      noLink: "This page needs the whole link that you were given. Ask whoever invited you to send it again.",
      refused: {},
      done: "Welcome",
    },
  },
  fr: {
    setup: {
      title: "Configurer ce serveur",
      lead: "Vous en devenez propriétaire : vous décidez qui d’autre y entre, et quelles machines sont sauvegardées. Le lien fonctionne une seule fois.",
      submit: "Configurer le serveur",
      passwordHint:
        "12 caractères au moins. C’est la longueur qui fait la force : plusieurs mots valent mieux que quelques signes. Il ne peut pas être retrouvé par e-mail.",
      noLink:
        "Cette page a besoin du lien entier que le serveur a affiché à son démarrage. Pour en obtenir un autre, exécutez <code>npx saveos-server setup-link</code> là où tourne le serveur.",
      refused: {
        401: "Ce lien n’est pas valable, ou ne l’est plus. Pour en obtenir un autre, exécutez « npx saveos-server setup-link » là où tourne le serveur.",
        409: "Ce serveur est déjà configuré. Demandez une invitation à l’un de ses propriétaires.",
      },
      done: "Le serveur est à vous",
    },
    invitation: {
      title: "Rejoindre votre équipe",
      lead: "On vous invite à utiliser SaveOS, où votre organisation garde ses sauvegardes. Le lien fonctionne une seule fois.",
      submit: "Rejoindre",
      passwordHint:
        "Si vous avez un compte sur ce serveur, son mot de passe. Sinon choisissez-en un : 12 caractères au moins. C’est la longueur qui fait la force, plusieurs mots valent mieux que quelques signes.",
      noLink: "Cette page a besoin du lien entier qui vous a été donné. Demandez qu’on vous l’envoie à nouveau.",
      refused: {
        401: "Cette invitation n’est pas valable, ou ne l’est plus. Demandez-en une autre.",
        409: "Cette invitation a déjà servi : ouvrez une session avec votre compte.",
      },
      done: "Bienvenue",
    },
  },
} as const;

/** What its script says, once something is done. */
const inScript = {
  en: {
    hide: "Hide",
    working: "One moment…",
    unreachable: "The server doesn’t answer. Check that it runs, and try again: nothing was lost.",
    // The API's own words are English, and say more.
    speaksAsServer: true,
    wrong: {
      empty: "Please fill this in.",
      email: "This is not an e-mail address.",
      password: "This needs 12 characters or more.",
    },
    refusedFields: {
      "401 password": "You have an account on this server already, and this isn’t its password.",
    },
    refused: {
      429: "Too many tries. Wait {seconds} seconds and try again.",
      other: "The server could not do this. Its log says why.",
    },
    strength: {
      short: "{count} of 12 characters",
      guessed: "Long enough, but among the first that are tried: use words that have nothing to do with you",
      good: "Good: {count} characters",
      strong: "Strong: {count} characters",
    },
    roles: { owner: "Owner", administrator: "Administrator", operator: "Operator", viewer: "Viewer" },
    signedIn: "{name}, you are signed in as {email}. Your role in {tenant}: {role}.",
  },
  fr: {
    hide: "Masquer",
    working: "Un instant…",
    unreachable: "Le serveur ne répond pas. Vérifiez qu’il tourne, puis réessayez : rien n’est perdu.",
    speaksAsServer: false,
    wrong: {
      empty: "À remplir.",
      email: "Ce n’est pas une adresse e-mail.",
      password: "Il faut au moins 12 caractères.",
    },
    refusedFields: {
      "401 password": "Vous avez déjà un compte sur ce serveur, et ce n’est pas son mot de passe.",
    },
    refused: {
      429: "Trop d’essais. Attendez {seconds} secondes, puis réessayez.",
      other: "Le serveur n’a pas pu le faire. Son journal dit pourquoi.",
    },
    strength: {
      short: "{count} caractères sur 12",
      guessed: "Assez long, mais parmi les premiers essayés : prenez des mots sans rapport avec vous",
      good: "Bon : {count} caractères",
      strong: "Fort : {count} caractères",
    },
    roles: { owner: "Propriétaire", administrator: "Administrateur", operator: "Opérateur", viewer: "Lecteur" },
    signedIn: "{name}, votre session est ouverte en tant que {email}. Votre rôle dans {tenant} : {role}.",
  },
} as const;

const taken = {
  en: { title: "This server is set up already", lead: "To come in, ask one of its owners for an invitation." },
  fr: {
    title: "Ce serveur est déjà configuré",
    lead: "Pour y entrer, demandez une invitation à l’un de ses propriétaires.",
  },
} as const;

/** The words of a page, and those of its script, as JSON that can stand in HTML. A set-up page that nobody needs any more says so. */
export function entryWords(language: Language, page: EntryPage, isSetUpAlready: boolean): Record<string, string> {
  const { refused, done, ...ofPage } = ofPages[language][page];
  const shown = { ...inPage[language], ...ofPage, ...(isSetUpAlready ? taken[language] : {}) };
  const { show, submit } = shown;
  const general = inScript[language];
  const script = { ...general, refused: { ...general.refused, ...refused }, show, submit, done, isSetUpAlready };
  return { ...shown, page, words: JSON.stringify(script).replaceAll("<", "\\u003c") };
}
