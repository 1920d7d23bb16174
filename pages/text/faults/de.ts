// What went wrong, in German.

import type { faultsEn } from './en.ts';

export const faultsDe: Readonly<Record<keyof typeof faultsEn, string>> = {
  faultOther: 'Das hat nicht geklappt. Nichts wurde geändert.',
  faultForm: 'Die Eingabe hat nicht die Form, die hier nötig ist.',
  faultPasskey:
    'Der Browser hat keinen Passkey erstellt oder benutzt: abgebrochen, oder es dauerte zu lange.',
  faultErrRoomSignIn: 'Sie sind nicht mehr angemeldet. Melden Sie sich neu an; nichts wurde geändert.',
  faultErrRoomCredentials:
    'Name, Passwort, Code oder Passkey stimmt nicht, oder der Code wurde schon benutzt. Warten Sie auf den nächsten Code.',
  faultErrRoomBrake:
    'Zu viele Versuche. Warten Sie eine Viertelstunde oder bitten Sie die Administration um einen neuen Link.',
  faultErrRoomBusy: 'Gerade zu viel auf einmal. Versuchen Sie es gleich noch einmal.',
  faultErrRoomStepUp: 'Dafür ist ein frischer Nachweis nötig, dass Sie es sind; er wurde nicht gegeben.',
  faultErrRoomCsrf: 'Diese Seite ist veraltet. Laden Sie sie neu und wiederholen Sie es.',
  faultErrRoomRole:
    'Ihre Rolle erlaubt das nicht, oder es muss jemand anderes sein als die antragstellende Person.',
  faultErrRoomToken: 'Der Link wurde benutzt oder ist abgelaufen. Bitten Sie um einen neuen.',
  faultErrRoomPassword:
    'Das Passwort enthält den Namen. Gut ist ein Satz aus vier Wörtern, die nichts miteinander zu tun haben.',
  faultErrRoomPasskey: 'Für eine Adresse gibt es keine Passkeys: Öffnen Sie diese Seiten über ihren Namen.',
  faultErrRoomProvider:
    'Das Behördenkonto war nicht erreichbar. Versuchen Sie es noch einmal; ein lokales Konto geht auch ohne.',
  faultErrRoomPeople: 'Diese Änderung von Konten oder Anmeldewegen ist nicht zulässig.',
  faultErrRoomAct:
    'Das kann nicht mehr beantragt, bestätigt oder beendet werden, oder es wartet schon zu viel.',
  faultErrRoomUnknown: 'Das gibt es nicht, oder es ist inzwischen beendet. Laden Sie die Seite neu.',
  faultErrAppConfigurationDraft: 'Der Entwurf ist nicht mehr da. Prüfen Sie den Text noch einmal.',
  faultErrAppConfigurationChanged:
    'Die Konfiguration wurde inzwischen geändert. Nichts wurde geschrieben; prüfen Sie den Text noch einmal.',
  faultErrAppConfigurationApart:
    'Regeln und wer was darf lassen sich nicht zusammen ändern: Schlagen Sie beides getrennt vor.',
  faultErrAppConfigurationWrite:
    'Das Programm kann die Datei nicht schreiben. Laden Sie den Text herunter und legen Sie ihn auf dem Server ab.',
  faultErrAppConfigurationRefused:
    'Der Text konnte nicht in Kraft gesetzt werden. Datei und Geltendes sind, wie sie waren.',
  faultErrExemptionRefused: 'Etwas daran verletzt die Regeln des Profils; nichts wurde entschieden.',
  faultErrExemptionField: 'Das hat nicht die nötige Form.',
  faultErrExemptionMissing: 'Das fehlt.',
  faultErrExemptionLimit: 'Das ist zu lang, oder es wartet schon zu viel.',
  faultErrExemptionProfile: 'Kein Rechtsprofil ist eingestellt: Niemand kann eine Ausnahme erhalten.',
  faultErrExemptionGrounds: 'Das Profil kennt diesen Grund nicht.',
  faultErrExemptionJustification: 'Sagen Sie mehr: worum es geht, und warum es nicht ohne geht.',
  faultErrExemptionAlternatives: 'Sagen Sie mehr: was sonst erwogen wurde, und warum es nicht reicht.',
  faultErrExemptionMitigations: 'Zu wenige Schutzmaßnahmen, zu wenig dazu gesagt, oder eine verlangte fehlt.',
  faultErrExemptionPeriod: 'Das Ende muss nach dem Beginn liegen und noch kommen.',
  faultErrExemptionDuration: 'Das dauert länger, als das Profil erlaubt.',
  faultErrExemptionStart: 'Das beginnt weiter in der Zukunft, als das Profil erlaubt.',
  faultErrExemptionScopeEmpty: 'Nennen Sie, wer es braucht: Adressen, Netze oder Geräte.',
  faultErrExemptionScopeUnknown: 'Ein Netz oder eine Liste ist genannt, die es nicht gibt.',
  faultErrExemptionScopeWide: 'Das sind mehr Clients, als das Profil erlaubt.',
  faultErrExemptionScopeBlanket: 'Das würde, allein oder mit anderen, alle ausnehmen.',
  faultErrExemptionOverlap: 'Für dieselbe Zeit gilt schon eine Ausnahme gleichen Umfangs.',
  faultErrExemptionRenewal: 'Was verlängert werden soll, lässt sich so nicht verlängern.',
  faultErrExemptionSelfApproval:
    'Sie haben es beantragt, oder es ist nicht klar, dass Sie es nicht waren: Jemand anderes muss genehmigen.',
  faultErrExemptionApprover: 'Sie gehören nicht zu denen, die hier genehmigen.',
  faultErrExemptionRole: 'Nach diesem Profil darf dieses Amt nicht genehmigen.',
  faultErrExemptionDelegation: 'Das Aktenzeichen der Übertragung ist nötig.',
  faultErrExemptionUnrecorded: 'Solange nichts aufgezeichnet wird, wird nichts genehmigt.',
  faultErrExemptionUnknown: 'Diese Ausnahme gibt es nicht.',
  faultErrExemptionState: 'Darüber wurde schon entschieden, oder sie ist beendet.',
  faultErrExemptionOrigin: 'Sie steht in einer Datei auf dem Server und wird dort geändert.',
  faultErrComplianceNoRecords: 'Hier wird nichts aufgezeichnet.',
  faultErrComplianceRecords: 'Die Aufzeichnungen lassen sich gerade nicht lesen.',
  faultErrCompliancePseudonym: 'Das ist kein Pseudonym, oder sein Schlüssel wurde vernichtet.',
  faultInWords: 'In den Worten des Programms',
};
