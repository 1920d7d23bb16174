// What the page that checks a device says, in each language.
import type { Language } from '../../base/words/words.ts';

/** What a check came to. */
export type CheckVerdict = 'holds' | 'exempt' | 'out-of-scope' | 'not-in-force' | 'elsewhere';

/** One language of the page. */
export interface CheckTexts {
  readonly title: string;
  readonly waiting: string;
  readonly see: string;
  readonly again: string;
  readonly verdicts: Readonly<Record<CheckVerdict, readonly [heading: string, text: string]>>;
  readonly over: string;
  readonly transports: Readonly<Record<string, string>>;
  /** Somebody between the device and Cordon asks. */
  readonly between: string;
  readonly code: string;
  readonly codeHint: string;
}

const en: CheckTexts = {
  title: 'Does this device ask Cordon?',
  waiting: 'This device is looking for a name that only Cordon knows. The result comes in a moment.',
  see: 'See the result',
  again: 'Check again',
  verdicts: {
    holds: [
      'This device asks Cordon, and the prohibition holds for it',
      'Names that are prohibited are refused to this device.',
    ],
    exempt: [
      'This device asks Cordon, and has an exemption',
      'An exemption that was approved lets some prohibited names pass for this device. It has an end.',
    ],
    'out-of-scope': [
      'This device asks Cordon, on a network that the prohibition does not cover',
      'The service desk can tell why.',
    ],
    'not-in-force': [
      'This device asks Cordon, but the prohibition is not in force on its network now',
      'Prohibited names may open. Please tell the service desk.',
    ],
    elsewhere: [
      'This device does not ask Cordon',
      'It could not find the name of the check, so that another server answers its names, and prohibited names are not refused to it. Often a VPN, “secure DNS” of the browser, or a DNS server that was set by hand is the reason. Please tell the service desk.',
    ],
  },
  over: 'It asks over',
  transports: {
    udp: 'DNS without encryption',
    tcp: 'DNS without encryption (TCP)',
    dot: 'DNS over TLS',
    doh: 'DNS over HTTPS',
    doq: 'DNS over QUIC',
  },
  between: 'Another server asks for this device, or its address is translated on the way.',
  code: 'Code for the service desk',
  codeHint: 'Read this code to the service desk: they see this result by it.',
};

const fr: CheckTexts = {
  title: 'Cet appareil interroge-t-il Cordon ?',
  waiting: 'Cet appareil cherche un nom que seul Cordon connaît. Le résultat arrive dans un instant.',
  see: 'Voir le résultat',
  again: 'Vérifier à nouveau',
  verdicts: {
    holds: [
      'Cet appareil interroge Cordon, et l’interdiction s’applique à lui',
      'Les noms interdits sont refusés à cet appareil.',
    ],
    exempt: [
      'Cet appareil interroge Cordon et bénéficie d’une dérogation',
      'Une dérogation approuvée laisse passer certains noms interdits pour cet appareil. Elle a une fin.',
    ],
    'out-of-scope': [
      'Cet appareil interroge Cordon, sur un réseau que l’interdiction ne vise pas',
      'Le centre de services peut dire pourquoi.',
    ],
    'not-in-force': [
      'Cet appareil interroge Cordon, mais l’interdiction n’est pas en vigueur sur son réseau actuellement',
      'Des noms interdits peuvent s’ouvrir. Prévenez le centre de services.',
    ],
    elsewhere: [
      'Cet appareil n’interroge pas Cordon',
      'Il n’a pas trouvé le nom de la vérification : un autre serveur répond à ses demandes, et les noms interdits ne lui sont pas refusés. La cause est souvent un VPN, le « DNS sécurisé » du navigateur ou un serveur DNS réglé à la main. Prévenez le centre de services.',
    ],
  },
  over: 'Il interroge par',
  transports: {
    udp: 'DNS sans chiffrement',
    tcp: 'DNS sans chiffrement (TCP)',
    dot: 'DNS sur TLS',
    doh: 'DNS sur HTTPS',
    doq: 'DNS sur QUIC',
  },
  between: 'Un autre serveur interroge pour cet appareil, ou son adresse est traduite en chemin.',
  code: 'Code pour le centre de services',
  codeHint: 'Lisez ce code au centre de services : il lui montre ce résultat.',
};

const nl: CheckTexts = {
  title: 'Vraagt dit toestel aan Cordon?',
  waiting: 'Dit toestel zoekt een naam die alleen Cordon kent. Het resultaat komt zo.',
  see: 'Resultaat bekijken',
  again: 'Opnieuw controleren',
  verdicts: {
    holds: [
      'Dit toestel vraagt aan Cordon, en het verbod geldt ervoor',
      'Verboden namen worden aan dit toestel geweigerd.',
    ],
    exempt: [
      'Dit toestel vraagt aan Cordon en heeft een ontheffing',
      'Een goedgekeurde ontheffing laat sommige verboden namen door voor dit toestel. Ze heeft een einde.',
    ],
    'out-of-scope': [
      'Dit toestel vraagt aan Cordon, op een netwerk waarvoor het verbod niet geldt',
      'De servicedesk kan zeggen waarom.',
    ],
    'not-in-force': [
      'Dit toestel vraagt aan Cordon, maar het verbod is nu niet van kracht op zijn netwerk',
      'Verboden namen kunnen opengaan. Meld het aan de servicedesk.',
    ],
    elsewhere: [
      'Dit toestel vraagt niet aan Cordon',
      'Het vond de naam van de controle niet: een andere server beantwoordt zijn vragen, en verboden namen worden er niet aan geweigerd. Vaak komt dat door een VPN, “veilige DNS” van de browser of een DNS-server die met de hand is ingesteld. Meld het aan de servicedesk.',
    ],
  },
  over: 'Het vraagt via',
  transports: {
    udp: 'DNS zonder versleuteling',
    tcp: 'DNS zonder versleuteling (TCP)',
    dot: 'DNS over TLS',
    doh: 'DNS over HTTPS',
    doq: 'DNS over QUIC',
  },
  between: 'Een andere server vraagt voor dit toestel, of zijn adres wordt onderweg vertaald.',
  code: 'Code voor de servicedesk',
  codeHint: 'Lees deze code voor aan de servicedesk: die ziet daarmee dit resultaat.',
};

const de: CheckTexts = {
  title: 'Fragt dieses Gerät Cordon?',
  waiting: 'Dieses Gerät sucht einen Namen, den nur Cordon kennt. Das Ergebnis kommt gleich.',
  see: 'Ergebnis ansehen',
  again: 'Noch einmal prüfen',
  verdicts: {
    holds: [
      'Dieses Gerät fragt Cordon, und das Verbot gilt für es',
      'Verbotene Namen werden diesem Gerät verweigert.',
    ],
    exempt: [
      'Dieses Gerät fragt Cordon und hat eine Ausnahme',
      'Eine genehmigte Ausnahme lässt manche verbotenen Namen für dieses Gerät zu. Sie hat ein Ende.',
    ],
    'out-of-scope': [
      'Dieses Gerät fragt Cordon, in einem Netz, für das das Verbot nicht gilt',
      'Der Servicedesk kann sagen, warum.',
    ],
    'not-in-force': [
      'Dieses Gerät fragt Cordon, aber das Verbot ist in seinem Netz derzeit nicht in Kraft',
      'Verbotene Namen können sich öffnen. Bitte melden Sie es dem Servicedesk.',
    ],
    elsewhere: [
      'Dieses Gerät fragt Cordon nicht',
      'Es fand den Namen der Prüfung nicht: Ein anderer Server beantwortet seine Anfragen, und verbotene Namen werden ihm nicht verweigert. Oft ist ein VPN, „sicheres DNS“ des Browsers oder ein von Hand eingestellter DNS-Server der Grund. Bitte melden Sie es dem Servicedesk.',
    ],
  },
  over: 'Es fragt über',
  transports: {
    udp: 'DNS ohne Verschlüsselung',
    tcp: 'DNS ohne Verschlüsselung (TCP)',
    dot: 'DNS über TLS',
    doh: 'DNS über HTTPS',
    doq: 'DNS über QUIC',
  },
  between: 'Ein anderer Server fragt für dieses Gerät, oder seine Adresse wird unterwegs übersetzt.',
  code: 'Code für den Servicedesk',
  codeHint: 'Lesen Sie diesen Code dem Servicedesk vor: Er sieht damit dieses Ergebnis.',
};

/** All languages. */
export const CHECK_TEXTS: Readonly<Record<Language, CheckTexts>> = { en, fr, nl, de };
