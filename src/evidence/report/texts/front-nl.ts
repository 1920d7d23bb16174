// Bladzijde één in het Nederlands.
import type { FrontTexts } from './front-texts.ts';

const plural = (count: string | number, one: string, many: string): string =>
  `${count} ${String(count) === '1' ? one : many}`;

/** Dutch. */
export const frontNl: FrontTexts = {
  labels: {
    mandate: 'Besluit',
    enforcement: 'Van kracht',
    lists: 'Lijsten',
    exempt: 'Vrijgesteld',
    attempts: 'Pogingen',
    probe: 'Bewijs',
    evidence: 'Getekend',
    unknown: 'Onbekend',
  },
  more: (count, section, title) => `${count} meer in onderdeel ${section}, ‘${title}’.`,
  answer: {
    inForce: (share) => `van kracht ${share}`,
    notInForce: (share) => `niet van kracht ${share}`,
    noEvidence: (share) => `zonder bewijs ${share}`,
    networks: (all, inForce, less, unknown) =>
      `Van ${plural(all, 'netwerk', 'netwerken')} was het op ${inForce} minstens 99,9 % van de bewezen tijd van kracht, op ${less} korter; van ${unknown} is er geen bewijs.`,
  },
  needs: 'Aandacht',
  findings: (count) => `De registratie is niet heel: ${plural(count, 'bevinding', 'bevindingen')}`,
  mandate: {
    none: 'Er was geen lijst van een besluit: niets was hier verboden.',
    undecided: (count) => `Voor ${plural(count, 'lijst', 'lijsten')} is geen besluit vastgelegd.`,
    from: (day) => `van kracht vanaf ${day}`,
    review: (day) => `te bezien voor ${day}`,
    provisional: 'voorlopig',
    lists: (names) => `voor ${names}`,
    others: (count) => `${count} meer`,
  },
  enforcement: {
    never: 'Geen registratie zegt dat het van kracht was.',
    first: (time) => `Voor het eerst als van kracht vastgelegd om ${time}.`,
    since: (time) => `Aan het einde van de periode was het zonder onderbreking van kracht sinds ${time}.`,
    notAtEnd: 'Aan het einde van de periode was het niet van kracht.',
    gaps: (count, length, missing) =>
      `${count} keer is niet getoond dat het van kracht was: ${length} niet van kracht, ${missing} zonder bewijs. De langste eerst:`,
    noGaps: 'Op geen moment van de periode was het niet van kracht.',
  },
  lists: {
    none: 'Geen lijst was van kracht.',
    counts: (mandates, others) =>
      `${plural(mandates, 'lijst van een besluit', 'lijsten van besluiten')} en ${plural(others, 'andere', 'andere')}.`,
    overdue: (count) => `De herziening van ${count} is te laat.`,
    oldest: (age) => `De oudste inhoud van een besluit is ${age} van kracht.`,
    failing: (count) => `Het laatste ophalen van ${count} mislukte.`,
    fetched: (time) => `opgehaald ${time}`,
    reviewed: (day) => `herzien ${day}`,
    ended: (time) => `tot ${time}`,
  },
  feeds: {
    none: (day) => `De meegeleverde lijsten zijn van ${day}; er is geen feed ingesteld.`,
    state: (feed, state, since, version, until) =>
      `Feed ${feed}: ${state} sinds ${since}, versie ${version}, staat in tot ${until}.`,
    behind: (count, list, since, why) => `Daarvan niet van kracht: ${count}, ${list} sinds ${since}: ${why}`,
    more: (count) => `Verdere feeds, in het deel over lijsten: ${count}.`,
  },
  exempt: {
    none: 'Niemand was vrijgesteld: de weigeringen golden voor elke client.',
    counts: (count, passed) =>
      `${plural(count, 'ontheffing was', 'ontheffingen waren')} op enig moment van kracht; ${passed} vragen doorgelaten. Die met de meeste eerst:`,
    goesOn: 'loopt door',
  },
  attempts: {
    none: 'Geen vraag naar een naam of adres van een besluit is vastgelegd.',
    counts: (count, clients) => `${count} geweigerde vragen naar verboden namen, door ${clients} clients.`,
    before: (count, change) => `In de periode ervoor: ${count} (${change}).`,
    most: (names) => `De meeste in ${names}.`,
    beside: (passed, signs, others) =>
      `Daarnaast: ${passed} doorgelaten met ontheffing, ${signs} tekenen van omzeiling, ${others} geweigerd door andere lijsten.`,
  },
  probe: {
    none: 'De zelftest heeft niets getest.',
    runs: (questions, runs, views, last) =>
      `${questions} vragen in ${plural(runs, 'ronde', 'rondes')} over ${plural(views, 'zicht', 'zichten')}, zoals clients vragen, het laatst om ${last}.`,
    clean: 'Geen verboden naam werd buiten een pauze omgezet.',
    leaks: (count, view, time) =>
      `Verboden namen werden ${count} keer buiten een pauze omgezet, het eerst in ${view} om ${time}.`,
    longest: (length) => `De langste tijd zonder bewijs van een zicht: ${length}.`,
  },
  evidence: {
    never: 'Niets is ondertekend.',
    signed: (until, records) => `Ondertekend tot ${until}; ${records} registraties gecontroleerd.`,
    unsigned: (count) => `${count} registraties daarachter zijn niet ondertekend en geen bewijs.`,
    nothingBehind: 'Niets daarachter wordt geteld.',
    checkpoint: (blocks, root) => `Checkpoint: ${blocks} blokken, wortel ${root}`,
    key: (key) => `Publieke sleutel: ${key}`,
    head: (number, time, key) =>
      `Laatste ondertekende kop van de periode: nummer ${number} van ${time}, sleutel ${key}.`,
    witnessed: (needed, all, until, names) =>
      `Getuigd tot ${until} door de ${needed} die nodig zijn, van ${all}: ${names}.`,
    notWitnessed: (needed, cosigned) =>
      `Niet getuigd: ${cosigned} van de ${needed} die nodig zijn hebben meegetekend.`,
    noWitness: 'Er is geen getuige ingesteld: niemand anders weet hoe ver de registratie was.',
  },
  unknown: {
    always: 'Of waar is wat is vastgelegd, en wat nooit bij deze resolver kwam, kan geen registratie zeggen.',
    also: 'Ook niet bekend:',
  },
  unknowns: {
    doubtful: (count) => `wat in ${count} twijfelachtige registraties staat`,
    missing: () => 'wat in de veranderde of ontbrekende registraties stond',
    'no-evidence': (length) => `of het ${length} lang van kracht was`,
    unsigned: (count) => `of ${count} registraties na de laatste handtekening zijn wat geschreven werd`,
    'never-signed': () => 'of enige registratie is wat geschreven werd: niets is ondertekend',
    'no-checkpoint': () => 'of het einde is afgesneden: er is geen checkpoint, alleen ondertekende koppen',
    'signed-less': (time) => `wat na ${time}, de laatste handtekening, geschreven werd`,
    'no-witness': () => 'of de houder van de sleutel alles opnieuw schreef: er is geen getuige',
    'witness-short': (cosigned, needed) =>
      `of alles opnieuw is geschreven: ${cosigned} van ${needed} getuigen tekenden mee`,
    'witnessed-less': (time) => `of wat nieuwer is dan ${time} opnieuw is geschreven: geen getuige zag het`,
    dropped: (count) => `${count} gebeurtenissen die niet konden worden vastgelegd`,
    'unclean-ends': (count) =>
      `de laatste momenten voor ${plural(count, 'onverwacht einde', 'onverwachte einden')} van het programma`,
    'no-probe': () =>
      'of clients werden geweigerd zoals de registratie zegt: geen test toont het voor elk netwerk aan',
    unproven: (length) => `of een zicht werd gehandhaafd in de ${length} zonder bewijs`,
    'no-queries': () => 'hoeveel pogingen er waren: er zijn geen registraties van vragen',
    deleted: (time) => `pogingen voor ${time}: deze registraties zijn verwijderd`,
    'clock-back': (length, time) => `ware tijden rond ${time}: de klok werd ${length} teruggezet`,
    'clock-forward': (length, time) => `ware tijden rond ${time}: de klok werd ${length} vooruitgezet`,
    'no-decision': (count) =>
      `waarop ${plural(count, 'lijst berust', 'lijsten berusten')}: geen besluit is vastgelegd`,
    'list-age': (count) => `hoe oud de regels van ${plural(count, 'lijst', 'lijsten')} van besluiten zijn`,
    nameless: (count) => `wie ${plural(count, 'ontheffing', 'ontheffingen')} vroeg of goedkeurde`,
  },
  timesLead: 'Elke tijd zonder het verbod, wat aandacht vraagt, en de periode ervoor.',
  seeSection: (number) => `Zie onderdeel ${number}.`,
  need: ([lead, rest]) => `${lead} ${rest}`,
  cut: (count) => `… (nog ${count} tekens in CSV en JSON)`,
  moreKeys: (count) => `en ${plural(count, 'sleutel', 'sleutels')} meer, in CSV en JSON`,
  captions: {
    attention: 'Wat aandacht vraagt',
    checkpoint: 'Het checkpoint waaruit dit rapport is gemaakt',
    witnesses: 'Getuigen',
    unknown: 'Wat niet bekend is',
  },
  empty: {
    attention: 'Niets in dit register vraagt om een mens.',
    checkpoint: 'Er is er geen: alleen koppen zijn ondertekend.',
    witnesses: 'Er zijn er geen ingesteld.',
    unknown: 'Niets dat deze registraties zouden tonen.',
    gaps: 'Op geen moment.',
    comparison: 'Het register reikt niet over de hele vorige periode terug.',
  },
  columns: {
    what: 'Wat',
    requested_by: 'Gevraagd door',
    began: 'Van, UTC',
    planned_end: 'Gepland einde, UTC',
    real_end: 'Beëindigd, UTC',
    version: 'Versie',
    since: 'Van kracht sinds, UTC',
    fresh: 'Stand van',
    due: 'Herziening voor',
    name: 'Naam',
    state: 'Toestand',
    size: 'Blokken',
    cosigned_at: 'Meegetekend, UTC',
    member: 'Veld',
    value: 'Waarde',
  },
};
