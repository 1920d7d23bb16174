// Written from text/pages.yaml by `npm run gen`.
export const pagesDe = {
  'placeOverview': "Überblick",
  'placeLookUp': "Nachschlagen",
  'placeExemptions': "Ausnahmen",
  'placeLists': "Listen",
  'placeRefusals': "Verweigerungen",
  'placeQueries': "Anfragen",
  'placeProof': "Nachweis",
  'placeHealth': "Zustand",
  'placeReports': "Berichte",
  'placeResolvers': "Resolver",
  'placeSettings': "Einstellungen",
} as const;
