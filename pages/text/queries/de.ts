// The query log, in German.

import type { queriesEn } from './en.ts';

export const queriesDe: Readonly<Record<keyof typeof queriesEn, string>> = {
  opSearchQueries: 'Suche im Anfrageprotokoll',
  opSearchQueriesOf: 'Anfragen einer Adresse oder eines Geräts',
  toldQueriesSearched: 'Anfrageprotokoll durchsucht',
  sourceCache: 'aus dem Cache',
  sourceUpstream: 'von einem Upstream',
  sourcePolicy: 'durch eine Liste',
  sourceLocal: 'lokal',
  sourceAccess: 'darf nicht fragen',
  sourceProtocol: 'fehlerhafte Anfrage',
  sourceNotReady: 'Listen noch nicht geladen',
  sourceShed: 'unter Last abgewiesen',
  sourceStale: 'aus dem Cache, veraltet',
  logIdentityAddress: 'ihrer Adresse',
  logIdentityPrefix: 'dem Präfix ihres Netzes',
  logIdentityPseudonym: 'einem Pseudonym',
  logIdentityNone: 'nichts',
  queriesMatch: 'Suche nach',
  queriesPart: 'Teil eines Namens',
  queriesBelow: 'Name und darunter',
  queriesPassed: 'Durchgelassen',
  queriesType: 'Typ',
  queriesSource: 'Beantwortet',
  queriesMoreFilters: 'Weitere Filter',
  queriesReasonHint: 'Warum und wonach gesucht wurde, wird aufgezeichnet, bevor etwas gezeigt wird.',
  queriesFollow: 'Neue verfolgen, höchstens eine Stunde lang',
  queriesKept:
    'Das Protokoll nennt Geräte mit {identity} und bewahrt Anfragen {days} {days:Tag|Tage} auf. Hier stehen sie mit ihrer Kennung des Tages.',
  queriesSample:
    'Eine von {count} Anfragen wird protokolliert: Was nicht gefunden wird, kann gefragt worden sein.',
  queriesCounts:
    'Seit dem Start des Dienstes {count:wurde|wurden} {count} {count:Anfrage|Anfragen} protokolliert.',
  queriesLost: '{count} {count:fehlt|fehlen} darin, weil mehr kamen, als geschrieben werden konnten.',
  queriesFound: 'Gefunden',
  queriesNone: 'Keine der durchgesehenen Anfragen passt.',
  queriesNoLine: 'Im Protokoll ist keine Anfrage, die durchgesehen werden könnte.',
  queriesReadAll: 'Zurückgelesen bis {from}; Älteres, das passt, gibt es nicht.',
  queriesReadBack: 'Zurückgelesen bis {from}; Älteres noch nicht.',
  queriesUnread:
    '{count} {count:Datei|Dateien} nicht lesbar: Was frühere Versionen gepackt haben, liest „cordon log search“.',
  queriesOlder: 'Weiter zurück suchen',
  queriesLeftOut: '{count} weitere kamen und werden nicht gezeigt.',
  queriesTooMany: 'Es kamen mehr, als durchgesehen werden konnten.',
  queriesOver: 'Die Stunde ist um: Suchen Sie erneut, um weiter zu verfolgen.',
  queriesMore: '{count} weitere',
  queriesDropped: 'verworfen',
  queriesOf: 'Anfragen einer Adresse oder eines Geräts',
  queriesOfKind: 'Von',
  queriesAddress: 'einer Adresse',
  queriesDevice: 'einem Gerät',
  queriesOfWhom: 'Adresse oder Name',
  queriesOfHint: 'Mit den Filtern oben, ohne die Kennung.',
  queriesOfDo: 'Anfordern',
  queriesOff: 'Das Anfrageprotokoll ist aus',
  queriesOffText:
    'Cordon führt kein Protokoll der Anfragen: Aufgezeichnet wird, was gesperrt wurde, sonst nichts. Um jede Anfrage zu protokollieren, schreiben Sie dies in die Konfiguration und setzen sie in Kraft:',
  queriesReceivers:
    'Anfragen werden protokolliert, aber nur an Empfänger, und dort durchsucht. Um hier zu suchen, protokollieren Sie auch in eine Datei:',
  queriesClosed:
    'Anfragen werden in Dateien protokolliert, aber niemand hat entschieden, dass hier gesucht werden darf. Wenn ja, schreiben Sie dies in die Konfiguration und setzen sie in Kraft:',
  queriesOffPeople:
    'Ein Protokoll der Anfragen zeigt, wofür sich Menschen interessieren. Klären Sie zuerst, wer es braucht, wie lange, und wen Sie fragen müssen: docs/query-log.md enthält ein Blatt dazu.',
  queriesToConfiguration: 'Zur Konfiguration',
  queriesUnrecorded: 'Hier kann niemand suchen',
  queriesUnrecordedText:
    'Anfragen werden protokolliert, aber es wird nichts aufgezeichnet (records.enabled); eine Suche wäre nirgends festgehalten.',
  opTryConfiguration: 'Entwurf an den Anfragen von gestern erprobt',
  triedDo: 'Was wäre gestern anders gewesen?',
  triedRunning: 'Wird am Anfrageprotokoll des letzten Tages erprobt…',
  triedNothing: 'Im Protokoll ist keine Anfrage des letzten Tages.',
  triedOf: 'Von {count} {count:Anfrage|Anfragen} vom {from} bis {to}.',
  triedPart: 'Es waren mehr, als in einer Minute gelesen werden konnten.',
  triedGuards: 'Namen, die nie gesperrt werden dürfen, würden verweigert: {names}',
  triedRefused:
    'Neu verweigert: {count} {count:Anfrage|Anfragen}, {names} Namen, {clients} Geräte, {networks} Netze',
  triedPassing:
    'Neu durchgelassen: {count} {count:Anfrage|Anfragen}, {names} Namen, {clients} Geräte, {networks} Netze',
  triedAtLeast: 'mindestens',
  triedOther: 'Von einer anderen Liste verweigert: {count}',
  triedClients: 'Geräte',
  triedBusy: 'Ein anderer Entwurf wird gerade erprobt: Fragen Sie in einer Minute erneut.',
  triedNoLog:
    'Hier darf kein Anfrageprotokoll durchsucht werden (query-log.search); es gibt nichts, woran erprobt werden könnte.',
  triedFailed: 'Es konnte nicht erprobt werden.',
  becomesRefused: 'verweigert durch',
  becomesPasses: 'durchgelassen; war verweigert durch',
  becomesOther: 'nun verweigert durch',
};
