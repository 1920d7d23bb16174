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
  'faultOther': "Cela n’a pas fonctionné. Rien n’a été changé.",
  'faultForm': "La saisie n’a pas la forme requise ici.",
  'faultPasskey': "Le navigateur n’a créé ni utilisé aucune clé d’accès : annulé, ou trop long.",
  'technicalDetail': "Détail technique",
} as const;
