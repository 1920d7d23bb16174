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
  'faultOther': "Dat lukte niet. Er is niets gewijzigd.",
  'faultForm': "De invoer heeft niet de vorm die hier nodig is.",
  'faultPasskey': "De browser maakte of gebruikte geen passkey: geannuleerd, of het duurde te lang.",
  'technicalDetail': "Technisch detail",
} as const;
