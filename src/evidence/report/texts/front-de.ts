// Seite eins auf Deutsch.
import type { FrontTexts } from './front-texts.ts';

const plural = (count: string | number, one: string, many: string): string =>
  `${count} ${String(count) === '1' ? one : many}`;

/** German. */
export const frontDe: FrontTexts = {
  labels: {
    mandate: 'Anordnung',
    enforcement: 'In Kraft',
    lists: 'Listen',
    exempt: 'Ausnahmen',
    attempts: 'Versuche',
    probe: 'Nachweis',
    evidence: 'Signiert',
    unknown: 'Unbekannt',
  },
  more: (count, section, title) => `${count} weitere in Abschnitt ${section}, „${title}“.`,
  answer: {
    inForce: (share) => `in Kraft ${share}`,
    notInForce: (share) => `nicht in Kraft ${share}`,
    noEvidence: (share) => `ohne Nachweis ${share}`,
    networks: (all, inForce, less, unknown) =>
      `Von ${plural(all, 'Netz', 'Netzen')} galt es in ${inForce} mindestens 99,9 % der nachgewiesenen Zeit, in ${less} kürzer; für ${unknown} gibt es keinen Nachweis.`,
  },
  needs: 'Zu erledigen',
  findings: (count) => `Das Register ist nicht vollständig: ${plural(count, 'Befund', 'Befunde')}`,
  mandate: {
    none: 'Es gab keine Liste einer Anordnung: nichts war hier verboten.',
    undecided: (count) =>
      `Für ${plural(count, 'Liste einer Anordnung', 'Listen von Anordnungen')} ist keine Anordnung verzeichnet.`,
    from: (day) => `in Kraft ab ${day}`,
    review: (day) => `zu prüfen bis ${day}`,
    provisional: 'vorläufig',
    lists: (names) => `für ${names}`,
    others: (count) => `${count} weitere`,
  },
  enforcement: {
    never: 'Keine Aufzeichnung sagt, dass es in Kraft war.',
    first: (time) => `Zum ersten Mal als in Kraft verzeichnet um ${time}.`,
    since: (time) => `Am Ende des Zeitraums war es ohne Lücke in Kraft seit ${time}.`,
    notAtEnd: 'Am Ende des Zeitraums war es nicht in Kraft.',
    gaps: (count, length, missing) =>
      `${count}-mal ist es nicht als in Kraft gezeigt: ${length} nicht in Kraft, ${missing} ohne Nachweis. Die längsten zuerst:`,
    noGaps: 'Zu keiner Zeit des Zeitraums war es nicht in Kraft.',
  },
  lists: {
    none: 'Keine Liste war in Kraft.',
    counts: (mandates, others) =>
      `${plural(mandates, 'Liste einer Anordnung', 'Listen von Anordnungen')} und ${plural(others, 'andere', 'andere')}.`,
    overdue: (count) => `Die Prüfung von ${count} ist überfällig.`,
    oldest: (age) => `Der älteste Inhalt einer Anordnung ist seit ${age} in Kraft.`,
    failing: (count) => `Der letzte Abruf von ${count} ist gescheitert.`,
    fetched: (time) => `abgerufen ${time}`,
    reviewed: (day) => `geprüft ${day}`,
    ended: (time) => `bis ${time}`,
  },
  feeds: {
    none: (day) => `Die mitgelieferten Listen sind vom ${day}; kein Feed ist eingerichtet.`,
    state: (feed, state, since, version, until) =>
      `Feed ${feed}: ${state} seit ${since}, Version ${version}, bürgt bis ${until}.`,
    behind: (count, list, since, why) => `Davon nicht in Kraft: ${count}, ${list} seit ${since}: ${why}`,
    more: (count) => `Weitere Feeds, im Abschnitt der Listen: ${count}.`,
  },
  exempt: {
    none: 'Niemand war ausgenommen: die Ablehnungen galten für alle Clients.',
    counts: (count, passed) =>
      `${plural(count, 'Ausnahme war', 'Ausnahmen waren')} irgendwann in Kraft; ${passed} Anfragen wurden zugelassen. Die mit den meisten zuerst:`,
    goesOn: 'gilt weiter',
  },
  attempts: {
    none: 'Keine Anfrage nach einem Namen oder einer Adresse einer Anordnung ist verzeichnet.',
    counts: (count, clients) => `${count} abgelehnte Anfragen nach verbotenen Namen, von ${clients} Clients.`,
    before: (count, change) => `Im Zeitraum davor: ${count} (${change}).`,
    most: (names) => `Die meisten in ${names}.`,
    beside: (passed, signs, others) =>
      `Daneben: ${passed} durch Ausnahmen zugelassen, ${signs} Zeichen einer Umgehung, ${others} von anderen Listen abgelehnt.`,
  },
  probe: {
    none: 'Die Selbstprüfung hat nichts geprüft.',
    runs: (questions, runs, views, last) =>
      `${questions} Fragen in ${plural(runs, 'Lauf', 'Läufen')} über ${plural(views, 'Sicht', 'Sichten')}, wie Clients fragen, zuletzt um ${last}.`,
    clean: 'Kein verbotener Name wurde außerhalb einer Pause aufgelöst.',
    leaks: (count, view, time) =>
      `Verbotene Namen wurden ${count}-mal außerhalb einer Pause aufgelöst, zuerst in ${view} um ${time}.`,
    longest: (length) => `Die längste Zeit ohne Nachweis einer Sicht: ${length}.`,
  },
  evidence: {
    never: 'Nichts ist signiert.',
    signed: (until, records) => `Signiert bis ${until}; ${records} Aufzeichnungen wurden geprüft.`,
    unsigned: (count) => `${count} Aufzeichnungen dahinter sind nicht signiert und kein Nachweis.`,
    nothingBehind: 'Nichts dahinter wird gezählt.',
    checkpoint: (blocks, root) => `Prüfpunkt: ${blocks} Blöcke, Wurzel ${root}`,
    key: (key) => `Öffentlicher Schlüssel: ${key}`,
    head: (number, time, key) =>
      `Letzter signierter Kopf des Zeitraums: Nummer ${number} von ${time}, Schlüssel ${key}.`,
    witnessed: (needed, all, until, names) =>
      `Bezeugt bis ${until} durch die nötigen ${needed} von ${all}: ${names}.`,
    notWitnessed: (needed, cosigned) => `Nicht bezeugt: ${cosigned} der nötigen ${needed} haben mitsigniert.`,
    noWitness: 'Kein Zeuge ist eingerichtet: niemand sonst weiß, wie weit das Register gekommen war.',
  },
  unknown: {
    always:
      'Ob wahr ist, was verzeichnet wurde, und was nie zu diesem Resolver kam, kann kein Register sagen.',
    also: 'Auch nicht bekannt:',
  },
  unknowns: {
    doubtful: (count) => `was in ${count} zweifelhaften Aufzeichnungen steht`,
    missing: () => 'was in den geänderten oder fehlenden Aufzeichnungen stand',
    'no-evidence': (length) => `ob es für ${length} in Kraft war`,
    unsigned: (count) => `ob ${count} Aufzeichnungen hinter der letzten Signatur sind, was geschrieben wurde`,
    'never-signed': () => 'ob irgendeine Aufzeichnung ist, was geschrieben wurde: nichts ist signiert',
    'no-checkpoint': () => 'ob das Ende abgeschnitten wurde: es gibt keinen Prüfpunkt, nur signierte Köpfe',
    'signed-less': (time) => `was nach ${time}, der letzten Signatur, geschrieben wurde`,
    'no-witness': () => 'ob der Inhaber des Schlüssels alles neu schrieb: es gibt keinen Zeugen',
    'witness-short': (cosigned, needed) =>
      `ob alles neu geschrieben wurde: ${cosigned} von ${needed} Zeugen signierten mit`,
    'witnessed-less': (time) => `ob neu geschrieben wurde, was jünger ist als ${time}: kein Zeuge sah es`,
    dropped: (count) => `${count} Ereignisse, die nicht verzeichnet werden konnten`,
    'unclean-ends': (count) =>
      `die letzten Augenblicke vor ${plural(count, 'unerwarteten Ende', 'unerwarteten Enden')} des Programms`,
    'no-probe': () =>
      'ob Clients abgelehnt wurden, wie das Register sagt: keine Prüfung zeigt es für jedes Netz',
    unproven: (length) => `ob eine Sicht in den ${length} ohne Nachweis durchgesetzt war`,
    'no-queries': () => 'wie viele Versuche es gab: es gibt keine Aufzeichnungen von Anfragen',
    deleted: (time) => `Versuche vor ${time}: diese Aufzeichnungen sind gelöscht`,
    'clock-back': (length, time) => `wahre Zeiten um ${time}: die Uhr wurde um ${length} zurückgestellt`,
    'clock-forward': (length, time) => `wahre Zeiten um ${time}: die Uhr wurde um ${length} vorgestellt`,
    'no-decision': (count) =>
      `worauf ${plural(count, 'Liste einer Anordnung', 'Listen von Anordnungen')} beruhen: keine Anordnung ist verzeichnet`,
    'list-age': (count) =>
      `wie alt die Einträge von ${plural(count, 'Liste einer Anordnung', 'Listen von Anordnungen')} sind`,
    nameless: (count) => `wer ${plural(count, 'Ausnahme', 'Ausnahmen')} beantragte oder genehmigte`,
  },
  timesLead: 'Jede Zeit ohne das Verbot, was zu erledigen ist, und der Zeitraum davor.',
  seeSection: (number) => `Siehe Abschnitt ${number}.`,
  need: ([lead, rest]) => `${lead} ${rest}`,
  cut: (count) => `… (${count} weitere Zeichen in CSV und JSON)`,
  moreKeys: (count) => `und ${plural(count, 'weiterer Schlüssel', 'weitere Schlüssel')}, in CSV und JSON`,
  captions: {
    attention: 'Was zu erledigen ist',
    checkpoint: 'Der Prüfpunkt, aus dem dieser Bericht entstand',
    witnesses: 'Zeugen',
    unknown: 'Was nicht bekannt ist',
  },
  empty: {
    attention: 'Nichts in diesem Register braucht einen Menschen.',
    checkpoint: 'Es gibt keinen: nur Köpfe sind signiert.',
    witnesses: 'Keine sind eingerichtet.',
    unknown: 'Nichts, was dieses Register zeigen würde.',
    gaps: 'Zu keiner Zeit.',
    comparison: 'Das Register reicht nicht über den ganzen Zeitraum davor zurück.',
  },
  columns: {
    what: 'Was',
    requested_by: 'Beantragt von',
    began: 'Ab, UTC',
    planned_end: 'Geplantes Ende, UTC',
    real_end: 'Beendet, UTC',
    version: 'Fassung',
    since: 'In Kraft seit, UTC',
    fresh: 'Stand',
    due: 'Prüfung fällig',
    name: 'Name',
    state: 'Zustand',
    size: 'Blöcke',
    cosigned_at: 'Mitsigniert, UTC',
    member: 'Feld',
    value: 'Wert',
  },
};
