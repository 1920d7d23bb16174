// Figures over time, in French.

import type { figuresEn } from './en.ts';

export const figuresFr: Readonly<Record<keyof typeof figuresEn, string>> = {
  placeRefusals: 'Refus',
  readAnew: 'Relire',
  rangeD1: '24 heures',
  rangeD7: '7 jours',
  rangeD30: '30 jours',
  rangeD91: 'un trimestre',
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
  stepsTitle: 'Premiers pas',
  stepsBeside: '{done} sur {of} faits',
  stepUpstreams: 'Les serveurs amont répondent',
  stepUpstreamsTodo: 'Nommez les serveurs qui répondent à ce qui n’est pas refusé : clé « upstreams ».',
  stepNetworks: 'Il est dit qui peut demander',
  stepNetworksTodo: 'Nommez vos réseaux et leurs préfixes : clé « groups ».',
  stepMandates: 'Une liste obligatoire est en vigueur',
  stepMandatesTodo:
    'Choisissez les listes obligatoires et leur base légale : clés « lists » et « mandates ».',
  stepPeople: 'Une seconde personne a un compte',
  stepPeopleTodo: 'Ajoutez un autre administrateur et un approbateur : assouplir demande deux personnes.',
  stepProof: 'Un réseau demande ici, et un refus a été vu',
  stepProofTodo:
    'Dirigez un réseau vers ces adresses, demandez-y un nom interdit, et voyez-le sous Refus : {addresses}',
  stepDone: 'fait',
  stepMissing: 'manque',
  denseRows: 'Lignes serrées : plus sur un écran',
};
