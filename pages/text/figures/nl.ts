// Figures over time, in Dutch.

import type { figuresEn } from './en.ts';

export const figuresNl: Readonly<Record<keyof typeof figuresEn, string>> = {
  placeRefusals: 'Weigeringen',
  readAnew: 'Opnieuw lezen',
  range1: '24 uur',
  range7: '7 dagen',
  range30: '30 dagen',
  range91: 'een kwartaal',
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
};
