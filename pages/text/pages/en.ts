// Written from text/pages.yaml by `npm run gen`.
export const pagesEn = {
  'placeOverview': "Overview",
  'placeLookUp': "Look up",
  'placeExemptions': "Exemptions",
  'placeLists': "Lists",
  'placeRefusals': "Refusals",
  'placeQueries': "Queries",
  'placeProof': "Proof",
  'placeHealth': "Health",
  'placeReports': "Reports",
  'placeResolvers': "Resolvers",
  'placeSettings': "Settings",
} as const;
