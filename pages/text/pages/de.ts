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
  'faultOther': "Das hat nicht geklappt. Nichts wurde geändert.",
  'faultForm': "Die Eingabe hat nicht die Form, die hier nötig ist.",
  'faultPasskey': "Der Browser hat keinen Passkey erstellt oder benutzt: abgebrochen, oder es dauerte zu lange.",
  'technicalDetail': "Technische Einzelheit",
} as const;
