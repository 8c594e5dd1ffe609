/** The kit's words. A text with `{…}` has a place for what only the kit knows. */
export interface KitTexts {
  readonly title: string;
  readonly lead: string;
  readonly madeAt: string;
  readonly server: string;
  readonly storage: string;
  readonly keepTitle: string;
  readonly keep: readonly string[];
  readonly machinesTitle: string;
  readonly machine: string;
  readonly repository: string;
  readonly notSealed: string;
  readonly none: string;
  readonly withSaveosTitle: string;
  readonly withSaveos: string;
  readonly stepsTitle: string;
  readonly stepsLead: string;
  readonly installTitle: string;
  readonly install: readonly string[];
  readonly installWindows: string;
  readonly storageTitle: string;
  readonly storageFolder: string;
  readonly storageBucket: string;
  readonly identityTitle: string;
  readonly identity: string;
  readonly identityOf: string;
  readonly windows: string;
  readonly passwordTitle: string;
  readonly password: string;
  readonly restoreTitle: string;
  readonly restore: string;
  readonly cleanUpTitle: string;
  readonly cleanUp: string;
}

export type KitLanguage = "en" | "fr";

export const kitTexts: Readonly<Record<KitLanguage, KitTexts>> = {
  en: {
    title: "Recovery kit",
    lead: "With this kit and the vault passphrase you can open every backup of {tenant}, even when the SaveOS server is gone. Without the passphrase it opens nothing.",
    madeAt: "Made",
    server: "Server",
    storage: "Where the backups are",
    keepTitle: "Keep it well",
    keep: [
      "Print it, and keep one copy away from the server. It is of no use to anybody who doesn't know the passphrase.",
      "Make a new kit when a machine is added, and when a passphrase or the vault is changed: this one lists what there was on its day.",
      "Try it once a year: open one repository with it, as the steps below say.",
    ],
    machinesTitle: "What there is",
    machine: "Machine",
    repository: "Repository",
    notSealed: "Its password was not in the vault yet when this kit was made: it is only on the machine itself.",
    none: "No machine has backed up yet.",
    withSaveosTitle: "The short way: with saveos-agent",
    withSaveos:
      "Where a saveos-agent can be had, one command asks for the passphrase and restores the newest snapshot of a machine:",
    stepsTitle: "The way without SaveOS",
    stepsLead:
      "It takes two free programs that anybody can get: age opens what is locked, restic restores. The commands are for Linux and macOS; copy each block whole.",
    installTitle: "Install age and restic",
    install: ["sudo apt-get install age restic", "brew install age restic"],
    installWindows:
      "Windows: winget install FiloSottile.age restic.restic. Elsewhere: https://age-encryption.org and https://restic.net.",
    storageTitle: "Reach the backups",
    storageFolder:
      "The repositories are folders below {path} on the server's disk. On another computer, attach that disk or a copy of it and put its path in place of {path} in the commands below.",
    storageBucket:
      "The repositories are in the bucket {bucket}. You need a key of that bucket: put it where the dots are.",
    identityTitle: "Open the vault",
    identity: "This asks for the vault passphrase, and writes the vault's key into identity.txt.",
    identityOf: "With the passphrase of {label}:",
    windows:
      "On Windows, save the lines from BEGIN to END in a file with an editor, and run only the last line of the block.",
    passwordTitle: "Open the password of a repository",
    password: "One block for each machine. It writes the repository's password into a file.",
    restoreTitle: "Look, and restore",
    restore:
      "The first command lists the snapshots of the machine, the second restores the newest into a new folder. In place of latest you can put the name of any snapshot of the list.",
    cleanUpTitle: "Clean up",
    cleanUp: "identity.txt and the .password files open everything: remove them when you are done.",
  },
  fr: {
    title: "Kit de récupération",
    lead: "Avec ce kit et la phrase secrète du coffre, vous pouvez ouvrir toutes les sauvegardes de {tenant}, même si le serveur SaveOS n'existe plus. Sans la phrase secrète, il n'ouvre rien.",
    madeAt: "Créé le",
    server: "Serveur",
    storage: "Où sont les sauvegardes",
    keepTitle: "Gardez-le bien",
    keep: [
      "Imprimez-le et gardez-en un exemplaire loin du serveur. Il ne sert à rien à qui ne connaît pas la phrase secrète.",
      "Créez un nouveau kit lorsqu'une machine est ajoutée et lorsqu'une phrase secrète ou le coffre change : celui-ci décrit ce qui existait le jour de sa création.",
      "Essayez-le une fois par an : ouvrez un dépôt en suivant les étapes ci-dessous.",
    ],
    machinesTitle: "Ce qui existe",
    machine: "Machine",
    repository: "Dépôt",
    notSealed:
      "Son mot de passe n'était pas encore dans le coffre lors de la création de ce kit : il n'existe que sur la machine elle-même.",
    none: "Aucune machine n'a encore été sauvegardée.",
    withSaveosTitle: "Le plus court : avec saveos-agent",
    withSaveos:
      "Là où un saveos-agent est disponible, une seule commande demande la phrase secrète et restaure le dernier snapshot d'une machine :",
    stepsTitle: "Sans SaveOS",
    stepsLead:
      "Il suffit de deux logiciels libres que chacun peut obtenir : age ouvre ce qui est verrouillé, restic restaure. Les commandes sont pour Linux et macOS ; copiez chaque bloc en entier.",
    installTitle: "Installer age et restic",
    install: ["sudo apt-get install age restic", "brew install age restic"],
    installWindows:
      "Windows : winget install FiloSottile.age restic.restic. Ailleurs : https://age-encryption.org et https://restic.net.",
    storageTitle: "Atteindre les sauvegardes",
    storageFolder:
      "Les dépôts sont des dossiers sous {path}, sur le disque du serveur. Sur un autre ordinateur, branchez ce disque ou une copie et mettez son chemin à la place de {path} dans les commandes ci-dessous.",
    storageBucket:
      "Les dépôts sont dans le bucket {bucket}. Il vous faut une clé de ce bucket : mettez-la à la place des points.",
    identityTitle: "Ouvrir le coffre",
    identity: "La commande demande la phrase secrète du coffre et écrit la clé du coffre dans identity.txt.",
    identityOf: "Avec la phrase secrète de {label} :",
    windows:
      "Sous Windows, enregistrez les lignes de BEGIN à END dans un fichier avec un éditeur et n'exécutez que la dernière ligne du bloc.",
    passwordTitle: "Ouvrir le mot de passe d'un dépôt",
    password: "Un bloc par machine. Il écrit le mot de passe du dépôt dans un fichier.",
    restoreTitle: "Regarder, et restaurer",
    restore:
      "La première commande montre les snapshots de la machine, la seconde restaure le plus récent dans un nouveau dossier. À la place de latest, vous pouvez mettre le nom de n'importe quel snapshot de la liste.",
    cleanUpTitle: "Nettoyer",
    cleanUp: "identity.txt et les fichiers .password ouvrent tout : supprimez-les quand vous avez terminé.",
  },
};
