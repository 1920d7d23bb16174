// Written from text/pages.yaml by `npm run gen`.
export const pagesFr = {
  'placeOverview': "Aperçu",
  'placeLookUp': "Rechercher",
  'placeExemptions': "Dérogations",
  'placeLists': "Listes",
  'placeRefusals': "Refus",
  'placeQueries': "Requêtes",
  'placeProof': "Preuves",
  'placeHealth': "État du service",
  'placeReports': "Rapports",
  'placeResolvers': "Résolveurs",
  'placeSettings': "Réglages",
} as const;
