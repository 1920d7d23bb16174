// The query log, in French.

import type { queriesEn } from './en.ts';

export const queriesFr: Readonly<Record<keyof typeof queriesEn, string>> = {
  placeQueries: 'Requêtes',
  opSearchQueries: 'Recherche dans le journal des requêtes',
  opSearchQueriesOf: 'Requêtes d’une adresse ou d’un appareil',
  toldQueriesSearched: 'Journal des requêtes consulté',
  sourceCache: 'depuis le cache',
  sourceUpstream: 'par un serveur amont',
  sourcePolicy: 'par une liste',
  sourceLocal: 'localement',
  sourceAccess: 'client non autorisé',
  sourceProtocol: 'requête fautive',
  sourceNotReady: 'listes pas encore chargées',
  sourceShed: 'écartée à cause de la charge',
  sourceStale: 'depuis le cache, périmée',
  logIdentityAddress: 'leur adresse',
  logIdentityPrefix: 'le préfixe de leur réseau',
  logIdentityPseudonym: 'un pseudonyme',
  logIdentityNone: 'rien',
  queriesMatch: 'Chercher',
  queriesPart: 'les noms qui le contiennent',
  queriesBelow: 'ce nom et tout ce qui est dessous',
  queriesPassed: 'Passées',
  queriesType: 'Type',
  queriesSource: 'Réponse',
  queriesMoreFilters: 'Autres filtres',
  queriesReasonHint: 'Le motif et ce qui est cherché sont enregistrés avant que rien ne soit montré.',
  queriesFollow: 'Suivre les nouvelles, pendant une heure au plus',
  queriesKept:
    'Le journal désigne les appareils par {identity} et garde les requêtes {days} {days:jour|jours}. Ici, ils figurent par leur référence du jour.',
  queriesSample: 'Une requête sur {count} est journalisée : ce qui n’est pas trouvé a pu être demandé.',
  queriesFound: 'Résultat',
  queriesNone: 'Aucune des requêtes examinées ne correspond.',
  queriesNoLine: 'Le journal ne contient aucune requête à examiner.',
  queriesReadAll: 'Lu jusqu’au {from} ; rien de plus ancien ne correspond.',
  queriesReadBack: 'Lu jusqu’au {from} ; pas encore au-delà.',
  queriesUnread:
    '{count} {count:fichier illisible|fichiers illisibles} : « cordon log search » lit ce que des versions antérieures ont compressé.',
  queriesOlder: 'Chercher plus loin',
  queriesLeftOut: '{count} autres sont arrivées et ne sont pas montrées.',
  queriesTooMany: 'Il en est arrivé plus qu’on n’a pu en examiner.',
  queriesOver: 'L’heure est écoulée : cherchez à nouveau pour continuer à suivre.',
  queriesMore: '{count} de plus',
  queriesDropped: 'sans réponse',
  queriesOf: 'Requêtes d’une adresse ou d’un appareil',
  queriesOfKind: 'De',
  queriesAddress: 'une adresse',
  queriesDevice: 'un appareil',
  queriesOfWhom: 'Adresse ou nom',
  queriesOfHint: 'Avec les filtres ci-dessus, sans la référence.',
  queriesOfDo: 'Les demander',
  queriesOff: 'Le journal des requêtes est désactivé',
  queriesOffText:
    'Cordon ne tient pas de journal des requêtes : ses enregistrements contiennent ce qui a été bloqué, et rien d’autre. Pour journaliser chaque requête, écrivez ceci dans la configuration et mettez-la en vigueur :',
  queriesReceivers:
    'Les requêtes sont journalisées, mais seulement vers des récepteurs, où on les consulte. Pour les consulter ici, journalisez-les aussi dans un fichier :',
  queriesClosed:
    'Les requêtes sont journalisées dans des fichiers, mais personne n’a décidé qu’on peut y chercher ici. Si c’est permis, écrivez ceci dans la configuration et mettez-la en vigueur :',
  queriesOffPeople:
    'Un journal des requêtes montre ce qui intéresse les gens. Décidez d’abord qui en a besoin, pour combien de temps et qui consulter : docs/query-log.md contient une fiche à ce sujet.',
  queriesToConfiguration: 'Vers la configuration',
  queriesUnrecorded: 'Personne ne peut chercher ici',
  queriesUnrecordedText:
    'Les requêtes sont journalisées, mais rien n’est enregistré (records.enabled) : une recherche ne laisserait pas de trace.',
};
