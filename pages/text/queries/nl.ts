// The query log, in Dutch.

import type { queriesEn } from './en.ts';

export const queriesNl: Readonly<Record<keyof typeof queriesEn, string>> = {
  placeQueries: 'Query’s',
  opSearchQueries: 'Zoeken in het querylogboek',
  opSearchQueriesOf: 'Query’s van een adres of een toestel',
  toldQueriesSearched: 'Querylogboek doorzocht',
  sourceCache: 'uit de cache',
  sourceUpstream: 'door een upstream',
  sourcePolicy: 'door een lijst',
  sourceLocal: 'lokaal',
  sourceAccess: 'mag niet vragen',
  sourceProtocol: 'foutieve query',
  sourceNotReady: 'lijsten nog niet geladen',
  sourceShed: 'geweigerd wegens belasting',
  sourceStale: 'uit de cache, verouderd',
  logIdentityAddress: 'hun adres',
  logIdentityPrefix: 'het prefix van hun netwerk',
  logIdentityPseudonym: 'een pseudoniem',
  logIdentityNone: 'niets',
  queriesMatch: 'Zoek naar',
  queriesPart: 'namen met dit deel',
  queriesBelow: 'deze naam en alles eronder',
  queriesPassed: 'Doorgelaten',
  queriesType: 'Type',
  queriesSource: 'Beantwoord',
  queriesMoreFilters: 'Meer filters',
  queriesReasonHint: 'Waarom en waarnaar gezocht is, wordt vastgelegd voordat er iets getoond wordt.',
  queriesFollow: 'Nieuwe volgen, hoogstens een uur lang',
  queriesKept:
    'Het logboek noemt toestellen met {identity} en bewaart query’s {days} {days:dag|dagen}. Hier staan ze met hun kenmerk van de dag.',
  queriesSample: 'Eén op de {count} query’s wordt gelogd: wat niet gevonden wordt, kan gevraagd zijn.',
  queriesFound: 'Gevonden',
  queriesNone: 'Geen van de bekeken query’s past.',
  queriesNoLine: 'Er staat geen query in het logboek om te bekijken.',
  queriesReadAll: 'Teruggelezen tot {from}; niets ouders past.',
  queriesReadBack: 'Teruggelezen tot {from}; nog niet verder.',
  queriesUnread:
    '{count} {count:bestand|bestanden} niet leesbaar: wat eerdere versies hebben ingepakt, leest „cordon log search”.',
  queriesOlder: 'Verder terug zoeken',
  queriesLeftOut: 'Er kwamen er nog {count} die niet getoond worden.',
  queriesTooMany: 'Er kwamen er meer dan bekeken konden worden.',
  queriesOver: 'Het uur is om: zoek opnieuw om verder te volgen.',
  queriesMore: 'nog {count}',
  queriesDropped: 'geen antwoord',
  queriesOf: 'Query’s van een adres of een toestel',
  queriesOfKind: 'Van',
  queriesAddress: 'een adres',
  queriesDevice: 'een toestel',
  queriesOfWhom: 'Adres of naam',
  queriesOfHint: 'Met de filters hierboven, zonder het kenmerk.',
  queriesOfDo: 'Opvragen',
  queriesOff: 'Het querylogboek staat uit',
  queriesOffText:
    'Cordon houdt geen logboek van query’s bij: vastgelegd wordt wat geblokkeerd is, en verder niets. Om elke query te loggen, schrijf dit in de configuratie en laat ze ingaan:',
  queriesReceivers:
    'Query’s worden gelogd, maar alleen naar ontvangers, waar ze doorzocht worden. Om hier te zoeken, log ze ook naar een bestand:',
  queriesClosed:
    'Query’s worden naar bestanden gelogd, maar niemand heeft beslist dat er hier in gezocht mag worden. Mag het wel, schrijf dit dan in de configuratie en laat ze ingaan:',
  queriesOffPeople:
    'Een logboek van query’s toont waar mensen in geïnteresseerd zijn. Beslis eerst wie het nodig heeft, hoe lang, en wie u moet raadplegen: docs/query-log.md heeft er een blad voor.',
  queriesToConfiguration: 'Naar de configuratie',
  queriesUnrecorded: 'Hier kan niemand zoeken',
  queriesUnrecordedText:
    'Query’s worden gelogd, maar er wordt niets vastgelegd (records.enabled): een zoekopdracht zou nergens vastliggen.',
};
