// Written from text/pages.yaml by `npm run gen`.
export const pagesNl = {
  'placeOverview': "Overzicht",
  'placeLookUp': "Opzoeken",
  'placeExemptions': "Ontheffingen",
  'placeLists': "Lijsten",
  'placeRefusals': "Weigeringen",
  'placeQueries': "Query’s",
  'placeProof': "Bewijs",
  'placeHealth': "Werking",
  'placeReports': "Rapporten",
  'placeResolvers': "Resolvers",
  'placeSettings': "Instellingen",
} as const;
