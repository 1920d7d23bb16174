// Figures over time, in Dutch.

import type { figuresEn } from './en.ts';

export const figuresNl: Readonly<Record<keyof typeof figuresEn, string>> = {
  placeRefusals: 'Weigeringen',
  readAnew: 'Opnieuw lezen',
  rangeD1: '24 uur',
  rangeD7: '7 dagen',
  rangeD30: '30 dagen',
  rangeD91: 'een kwartaal',
  figuresBy: 'Getoond per',
  groupedList: 'lijst',
  groupedNetwork: 'netwerk',
  groupedMandate: 'verplichting',
  figuresCount: '{count} {count:weigering|weigeringen}',
  figuresUntil: '{from} tot {to}',
  figuresTitle: '{count} weigeringen van {from} tot {to}; de tabel eronder heeft de getallen.',
  figuresNone: 'In deze tijd werd niets geweigerd.',
  figuresRest: 'alle andere',
  figuresUnnamed:
    '{count} daarvan zijn zonder naam geteld, omdat registraties grenzen hebben: per naam zijn het er minstens zoveel.',
  figuresMarks: 'Daarop gemerkt: wijzigingen en gaten',
  figuresMarksNone: 'Er wijzigde niets, en het was steeds van kracht.',
  topNames: 'Meest gevraagde namen',
  topTypes: 'Typen vragen',
  topClients: 'Apparaten, per dagkenmerk',
  stepsTitle: 'Eerste stappen',
  stepsBeside: '{done} van {of} gedaan',
  stepUpstreams: 'Upstreams antwoorden',
  stepUpstreamsTodo: 'Noem de servers die antwoorden wat niet wordt geweigerd: sleutel “upstreams”.',
  stepNetworks: 'Er is gezegd wie mag vragen',
  stepNetworksTodo: 'Noem uw netwerken met hun prefixen: sleutel “groups”.',
  stepMandates: 'Een verplichte lijst is van kracht',
  stepMandatesTodo:
    'Kies de lijsten die moeten gelden en waarop ze berusten: sleutels “lists” en “mandates”.',
  stepPeople: 'Een tweede persoon heeft een account',
  stepPeopleTodo: 'Voeg nog een beheerder en een goedkeurder toe: versoepelen vraagt twee personen.',
  stepProof: 'Een netwerk vraagt hier, en een weigering is gezien',
  stepProofTodo:
    'Richt een netwerk op deze adressen, vraag daar een verboden naam, en zie die bij Weigeringen: {addresses}',
  stepDone: 'gedaan',
  stepMissing: 'ontbreekt',
  denseRows: 'Smalle rijen: meer op één scherm',
};
