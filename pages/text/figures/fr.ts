// Figures over time, in French.

import type { figuresEn } from './en.ts';

export const figuresFr: Readonly<Record<keyof typeof figuresEn, string>> = {
  placeRefusals: 'Refus',
  readAnew: 'Relire',
  range1: '24 heures',
  range7: '7 jours',
  range30: '30 jours',
  range91: 'un trimestre',
  figuresBy: 'Répartition',
  groupedList: 'liste',
  groupedNetwork: 'réseau',
  groupedMandate: 'obligation',
  figuresCount: '{count} refus',
  figuresUntil: 'du {from} au {to}',
  figuresTitle: '{count} refus du {from} au {to} ; le tableau ci-dessous donne les nombres.',
  figuresNone: 'Rien n’a été refusé pendant cette période.',
  figuresRest: 'tous les autres',
  figuresUnnamed:
    '{count} d’entre eux sont comptés sans nom, car les enregistrements ont des bornes : par nom, c’est au moins autant.',
  figuresMarks: 'Repères : changements et interruptions',
  figuresMarksNone: 'Rien n’a changé, et l’interdiction était toujours en vigueur.',
  topNames: 'Noms les plus demandés',
  topTypes: 'Types demandés',
  topClients: 'Appareils, par référence du jour',
};
