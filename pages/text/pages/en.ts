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
  'faultOther': "That did not work. Nothing was changed.",
  'faultForm': "What was entered does not have the form that is needed here.",
  'faultPasskey': "The browser made or used no passkey: it was cancelled, or took too long.",
  'technicalDetail': "Technical detail",
} as const;
