// Figures over time, in German.

import type { figuresEn } from './en.ts';

export const figuresDe: Readonly<Record<keyof typeof figuresEn, string>> = {
  placeRefusals: 'Verweigerungen',
  readAnew: 'Neu lesen',
  rangeD1: '24 Stunden',
  rangeD7: '7 Tage',
  rangeD30: '30 Tage',
  rangeD91: 'ein Quartal',
  figuresBy: 'Gezeigt nach',
  groupedList: 'Liste',
  groupedNetwork: 'Netz',
  groupedMandate: 'Vorgabe',
  figuresCount: '{count} {count:Verweigerung|Verweigerungen}',
  figuresUntil: '{from} bis {to}',
  figuresTitle: '{count} Verweigerungen von {from} bis {to}; die Tabelle darunter hat die Zahlen.',
  figuresNone: 'In dieser Zeit wurde nichts verweigert.',
  figuresRest: 'alle übrigen',
  figuresUnnamed:
    '{count} davon sind ohne Namen gezählt, weil Aufzeichnungen Grenzen haben: Von Namen sind es mindestens so viele.',
  figuresMarks: 'Darin markiert: Änderungen und Lücken',
  figuresMarksNone: 'Nichts hat sich geändert, und es war durchgehend in Kraft.',
  topNames: 'Am häufigsten gefragte Namen',
  topTypes: 'Typen',
  topClients: 'Geräte, nach Tagesreferenz',
  stepsTitle: 'Erste Schritte',
  stepsBeside: '{done} von {of} erledigt',
  stepUpstreams: 'Upstreams antworten',
  stepUpstreamsTodo:
    'Nennen Sie die Server, die antworten, was nicht verweigert wird: Schlüssel „upstreams“.',
  stepNetworks: 'Es ist gesagt, wer fragen darf',
  stepNetworksTodo: 'Nennen Sie Ihre Netze mit ihren Präfixen: Schlüssel „groups“.',
  stepMandates: 'Eine Pflichtliste ist in Kraft',
  stepMandatesTodo:
    'Wählen Sie die Listen, die gelten müssen, und worauf sie beruhen: Schlüssel „lists“ und „mandates“.',
  stepPeople: 'Eine zweite Person hat ein Konto',
  stepPeopleTodo:
    'Fügen Sie eine weitere Administration und eine genehmigende Person hinzu: Lockern können nur zwei.',
  stepProof: 'Ein Netz fragt hier, und eine Verweigerung wurde gesehen',
  stepProofTodo:
    'Richten Sie ein Netz auf diese Adressen, fragen Sie dort nach einem verbotenen Namen, und sehen Sie ihn unter Verweigerungen: {addresses}',
  stepDone: 'erledigt',
  stepMissing: 'fehlt',
  denseRows: 'Schmale Zeilen: mehr auf einem Bildschirm',
};
