// What went wrong, in Dutch.

import type { faultsEn } from './en.ts';

export const faultsNl: Readonly<Record<keyof typeof faultsEn, string>> = {
  faultOther: 'Dat lukte niet. Er is niets gewijzigd.',
  faultForm: 'De invoer heeft niet de vorm die hier nodig is.',
  faultPasskey: 'De browser maakte of gebruikte geen passkey: geannuleerd, of het duurde te lang.',
  faultErrRoomSignIn: 'U bent niet meer aangemeld. Meld u opnieuw aan; er is niets gewijzigd.',
  faultErrRoomCredentials:
    'Naam, wachtwoord, code of passkey klopt niet, of de code is al gebruikt. Wacht op de volgende code.',
  faultErrRoomBrake: 'Te veel pogingen. Wacht een kwartier of vraag een beheerder om een nieuwe link.',
  faultErrRoomBusy: 'Te veel tegelijk. Probeer het zo opnieuw.',
  faultErrRoomStepUp: 'Hiervoor is een vers bewijs nodig dat u het bent; dat is niet gegeven.',
  faultErrRoomCsrf: 'Deze pagina is verouderd. Laad haar opnieuw en doe het nog eens.',
  faultErrRoomRole: 'Uw rol staat dit niet toe, of het moet iemand anders zijn dan de aanvrager.',
  faultErrRoomToken: 'De link is gebruikt of verlopen. Vraag een nieuwe.',
  faultErrRoomPassword: 'Het wachtwoord bevat de naam. Een zin van vier woorden zonder verband is goed.',
  faultErrRoomPasskey: 'Voor een adres bestaan geen passkeys: open deze pagina’s via hun naam.',
  faultErrRoomProvider:
    'Het overheidsaccount was niet bereikbaar. Probeer het opnieuw; een lokaal account werkt zonder.',
  faultErrRoomPeople: 'Deze wijziging van accounts of aanmeldwijzen is niet toegestaan.',
  faultErrRoomAct: 'Dit kan niet meer worden gevraagd, bevestigd of beëindigd, of er wacht al te veel.',
  faultErrRoomUnknown: 'Dat bestaat niet, of is intussen geëindigd. Laad de pagina opnieuw.',
  faultErrAppConfigurationDraft: 'Het concept is er niet meer. Controleer de tekst nog eens.',
  faultErrAppConfigurationChanged:
    'De configuratie is intussen gewijzigd. Er is niets geschreven; controleer de tekst opnieuw.',
  faultErrAppConfigurationApart: 'Regels en rechten kunnen niet samen wijzigen: stel ze apart voor.',
  faultErrAppConfigurationWrite:
    'Het programma kan het bestand niet schrijven. Download de tekst en zet hem op de server.',
  faultErrAppConfigurationRefused:
    'De tekst kon niet van kracht worden. Bestand en wat geldt zijn ongewijzigd.',
  faultErrExemptionRefused: 'Iets ervan schendt de regels van het profiel; er is niets besloten.',
  faultErrExemptionField: 'Dit heeft niet de nodige vorm.',
  faultErrExemptionMissing: 'Dit ontbreekt.',
  faultErrExemptionLimit: 'Dit is te lang, of er wacht al te veel.',
  faultErrExemptionProfile: 'Er is geen rechtsprofiel ingesteld: niemand kan ontheffing krijgen.',
  faultErrExemptionGrounds: 'Het profiel kent deze grond niet.',
  faultErrExemptionJustification: 'Zeg meer: wat het werk is, en waarom het niet zonder kan.',
  faultErrExemptionAlternatives: 'Zeg meer: wat verder is overwogen, en waarom dat niet volstaat.',
  faultErrExemptionMitigations: 'Te weinig maatregelen, te weinig uitleg, of een vereiste ontbreekt.',
  faultErrExemptionPeriod: 'Het einde moet na het begin liggen en nog komen.',
  faultErrExemptionDuration: 'Dit duurt langer dan het profiel toestaat.',
  faultErrExemptionStart: 'Dit begint later dan het profiel toestaat.',
  faultErrExemptionScopeEmpty: 'Noem wie het nodig heeft: adressen, netwerken of apparaten.',
  faultErrExemptionScopeUnknown: 'Een genoemd netwerk of een genoemde lijst bestaat niet.',
  faultErrExemptionScopeWide: 'Dit zijn meer clients dan het profiel toestaat.',
  faultErrExemptionScopeBlanket: 'Dit zou, alleen of met andere, iedereen ontheffen.',
  faultErrExemptionOverlap: 'Voor dezelfde tijd geldt al een ontheffing met dezelfde omvang.',
  faultErrExemptionRenewal: 'Wat moet worden verlengd, kan zo niet worden verlengd.',
  faultErrExemptionSelfApproval:
    'U vroeg het aan, of het is niet zeker van niet: iemand anders moet goedkeuren.',
  faultErrExemptionApprover: 'U hoort niet bij wie hier goedkeurt.',
  faultErrExemptionRole: 'Volgens dit profiel mag deze functie niet goedkeuren.',
  faultErrExemptionDelegation: 'Het kenmerk van de machtiging is nodig.',
  faultErrExemptionUnrecorded: 'Zolang niets wordt vastgelegd, wordt niets verleend.',
  faultErrExemptionUnknown: 'Deze ontheffing bestaat niet.',
  faultErrExemptionState: 'Daarover is al besloten, of zij is geëindigd.',
  faultErrExemptionOrigin: 'Zij staat in een bestand op de server en wordt daar gewijzigd.',
  faultErrComplianceNoRecords: 'Hier wordt niets vastgelegd.',
  faultErrComplianceRecords: 'De registraties zijn nu niet te lezen.',
  faultErrCompliancePseudonym: 'Dit is geen pseudoniem, of de sleutel is vernietigd.',
  faultInWords: 'In de woorden van het programma',
};
