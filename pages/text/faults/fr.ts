// What went wrong, in French.

import type { faultsEn } from './en.ts';

export const faultsFr: Readonly<Record<keyof typeof faultsEn, string>> = {
  faultOther: 'Cela n’a pas fonctionné. Rien n’a été changé.',
  faultForm: 'La saisie n’a pas la forme requise ici.',
  faultPasskey: 'Le navigateur n’a créé ni utilisé aucune clé d’accès : annulé, ou trop long.',
  faultErrRoomSignIn: 'Vous n’êtes plus connecté. Reconnectez-vous ; rien n’a été changé.',
  faultErrRoomCredentials:
    'Nom, mot de passe, code ou clé d’accès incorrect, ou code déjà utilisé. Attendez le code suivant.',
  faultErrRoomBrake:
    'Trop d’essais. Attendez un quart d’heure ou demandez un nouveau lien à un administrateur.',
  faultErrRoomBusy: 'Trop de demandes à la fois. Réessayez dans un instant.',
  faultErrRoomStepUp: 'Cela demande une preuve récente de votre identité, qui n’a pas été donnée.',
  faultErrRoomCsrf: 'Cette page n’est plus à jour. Rechargez-la et recommencez.',
  faultErrRoomRole: 'Votre rôle ne le permet pas, ou il faut une autre personne que le demandeur.',
  faultErrRoomToken: 'Le lien a été utilisé ou a expiré. Demandez-en un nouveau.',
  faultErrRoomPassword: 'Le mot de passe contient le nom. Une phrase de quatre mots sans rapport convient.',
  faultErrRoomPasskey: 'Pas de clé d’accès pour une adresse : ouvrez ces pages par leur nom.',
  faultErrRoomProvider:
    'Le compte de l’administration n’a pas répondu. Réessayez ; un compte local s’en passe.',
  faultErrRoomPeople: 'Cette modification de comptes ou de moyens de connexion n’est pas permise.',
  faultErrRoomAct: 'Cela ne peut plus être demandé, confirmé ou terminé, ou trop de demandes attendent déjà.',
  faultErrRoomUnknown: 'Cela n’existe pas, ou a pris fin entre-temps. Rechargez la page.',
  faultErrAppConfigurationDraft: 'Le brouillon n’est plus là. Vérifiez le texte encore une fois.',
  faultErrAppConfigurationChanged:
    'La configuration a changé entre-temps. Rien n’a été écrit ; vérifiez le texte à nouveau.',
  faultErrAppConfigurationApart:
    'Les règles et les droits ne changent pas ensemble : proposez les deux séparément.',
  faultErrAppConfigurationWrite:
    'Le programme ne peut pas écrire le fichier. Téléchargez le texte et placez-le sur le serveur.',
  faultErrAppConfigurationRefused:
    'Le texte n’a pas pu être mis en vigueur. Le fichier et ce qui vaut sont inchangés.',
  faultErrExemptionRefused: 'Un point enfreint les règles du profil ; rien n’a été décidé.',
  faultErrExemptionField: 'Cela n’a pas la forme requise.',
  faultErrExemptionMissing: 'Cela manque.',
  faultErrExemptionLimit: 'C’est trop long, ou trop de demandes attendent déjà.',
  faultErrExemptionProfile: 'Aucun profil juridique n’est configuré : personne ne peut avoir de dérogation.',
  faultErrExemptionGrounds: 'Le profil ne connaît pas ce motif.',
  faultErrExemptionJustification: 'Dites-en plus : quel est le travail, et pourquoi il ne peut s’en passer.',
  faultErrExemptionAlternatives:
    'Dites-en plus : quoi d’autre a été envisagé, et pourquoi cela ne suffit pas.',
  faultErrExemptionMitigations: 'Trop peu de mesures, trop peu détaillées, ou une mesure exigée manque.',
  faultErrExemptionPeriod: 'La fin doit suivre le début et être encore à venir.',
  faultErrExemptionDuration: 'C’est plus long que le profil ne le permet.',
  faultErrExemptionStart: 'Cela commence plus tard que le profil ne le permet.',
  faultErrExemptionScopeEmpty: 'Nommez qui en a besoin : adresses, réseaux ou appareils.',
  faultErrExemptionScopeUnknown: 'Un réseau ou une liste nommé n’existe pas.',
  faultErrExemptionScopeWide: 'Ce sont plus de clients que le profil ne le permet.',
  faultErrExemptionScopeBlanket: 'Cela, seul ou avec d’autres, couvrirait tout le monde.',
  faultErrExemptionOverlap: 'Une dérogation de même portée existe pour la même période.',
  faultErrExemptionRenewal: 'Ce qui doit être prolongé ne peut pas l’être ainsi.',
  faultErrExemptionSelfApproval:
    'Vous l’avez demandé, ou rien ne dit le contraire : une autre personne doit approuver.',
  faultErrExemptionApprover: 'Vous n’êtes pas parmi ceux qui approuvent ici.',
  faultErrExemptionRole: 'Selon ce profil, cette fonction ne peut pas approuver.',
  faultErrExemptionDelegation: 'La référence de la délégation est nécessaire.',
  faultErrExemptionUnrecorded: 'Rien n’est accordé tant que rien n’est enregistré.',
  faultErrExemptionUnknown: 'Cette dérogation n’existe pas.',
  faultErrExemptionState: 'Elle est déjà décidée, ou terminée.',
  faultErrExemptionOrigin: 'Elle figure dans un fichier du serveur et s’y modifie.',
  faultErrComplianceNoRecords: 'Rien n’est enregistré ici.',
  faultErrComplianceRecords: 'Les enregistrements ne peuvent pas être lus en ce moment.',
  faultErrCompliancePseudonym: 'Ce n’est pas un pseudonyme, ou sa clé a été détruite.',
  faultInWords: 'Dans les mots du programme',
};
