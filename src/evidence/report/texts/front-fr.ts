// La première page en français.
import type { FrontTexts } from './front-texts.ts';

const plural = (count: string | number, one: string, many: string): string =>
  `${count} ${['0', '1'].includes(String(count)) ? one : many}`;

/** French. */
export const frontFr: FrontTexts = {
  labels: {
    mandate: 'Décision',
    enforcement: 'En vigueur',
    lists: 'Listes',
    exempt: 'Dérogations',
    attempts: 'Tentatives',
    probe: 'Preuve',
    evidence: 'Signé',
    unknown: 'Inconnu',
  },
  more: (count, section, title) => `${count} de plus dans la section ${section}, « ${title} ».`,
  answer: {
    inForce: (share) => `en vigueur ${share}`,
    notInForce: (share) => `pas en vigueur ${share}`,
    noEvidence: (share) => `sans preuve ${share}`,
    networks: (all, inForce, less, unknown) =>
      `Sur ${plural(all, 'réseau', 'réseaux')}, ${inForce} l’avaient en vigueur pendant au moins 99,9 % du temps prouvé, ${less} moins ; de ${unknown} il n’y a pas de preuve.`,
  },
  needs: 'À traiter',
  findings: (count) => `Le registre n’est pas entier : ${plural(count, 'constat', 'constats')}`,
  mandate: {
    none: 'Il n’y avait pas de liste de décision : rien n’était interdit ici.',
    undecided: (count) =>
      `Aucune décision n’est enregistrée pour ${plural(count, 'liste', 'listes')} de décision.`,
    from: (day) => `en vigueur dès ${day}`,
    review: (day) => `à revoir avant ${day}`,
    provisional: 'provisoire',
    lists: (names) => `pour ${names}`,
    others: (count) => `${count} de plus`,
  },
  enforcement: {
    never: 'Aucun enregistrement ne dit qu’elle était en vigueur.',
    first: (time) => `Enregistrée en vigueur pour la première fois à ${time}.`,
    since: (time) => `À la fin de la période, en vigueur sans lacune depuis ${time}.`,
    notAtEnd: 'À la fin de la période, elle n’était pas en vigueur.',
    gaps: (count, length, missing) =>
      `${plural(count, 'fois', 'fois')} non démontrée en vigueur : ${length} pas en vigueur, ${missing} sans preuve. Les plus longues d’abord :`,
    noGaps: 'À aucun moment de la période elle n’était hors de vigueur.',
  },
  lists: {
    none: 'Aucune liste n’était en vigueur.',
    counts: (mandates, others) =>
      `${plural(mandates, 'liste', 'listes')} de décision et ${plural(others, 'autre', 'autres')}.`,
    overdue: (count) => `La revue de ${count} est en retard.`,
    oldest: (age) => `Le plus ancien contenu d’une décision est en vigueur depuis ${age}.`,
    failing: (count) => `La dernière récupération de ${count} a échoué.`,
    fetched: (time) => `récupérée ${time}`,
    reviewed: (day) => `revue ${day}`,
    ended: (time) => `jusqu’à ${time}`,
  },
  feeds: {
    none: (day) => `Les listes livrées sont du ${day} ; aucun flux n’est configuré.`,
    state: (feed, state, since, version, until) =>
      `Flux ${feed} : ${state} depuis ${since}, version ${version}, garanti jusqu’à ${until}.`,
    behind: (count, list, since, why) => `Pas en vigueur : ${count}, ${list} depuis ${since} : ${why}`,
    more: (count) => `Autres flux, dans la section des listes : ${count}.`,
  },
  exempt: {
    none: 'Personne n’était exempté : les refus valaient pour tous les clients.',
    counts: (count, passed) =>
      `${plural(count, 'dérogation', 'dérogations')} en vigueur à un moment ; ${passed} requêtes admises. Celles qui en admirent le plus d’abord :`,
    goesOn: 'continue',
  },
  attempts: {
    none: 'Aucune requête pour un nom ou une adresse d’une décision n’est enregistrée.',
    counts: (count, clients) => `${count} requêtes refusées pour des noms interdits, par ${clients} clients.`,
    before: (count, change) => `Pendant la période précédente : ${count} (${change}).`,
    most: (names) => `Le plus dans ${names}.`,
    beside: (passed, signs, others) =>
      `À part : ${passed} admises par dérogation, ${signs} signes de contournement, ${others} refusées par d’autres listes.`,
  },
  probe: {
    none: 'L’autocontrôle n’a rien vérifié.',
    runs: (questions, runs, views, last) =>
      `${questions} questions en ${plural(runs, 'passage', 'passages')} sur ${plural(views, 'vue', 'vues')}, comme les clients, le dernier à ${last}.`,
    clean: 'Aucun nom interdit n’a été résolu en dehors d’une suspension.',
    leaks: (count, view, time) =>
      `Des noms interdits ont été résolus ${count} fois en dehors d’une suspension, d’abord dans ${view} à ${time}.`,
    longest: (length) => `Le plus long temps sans preuve d’une vue : ${length}.`,
  },
  evidence: {
    never: 'Rien n’est signé.',
    signed: (until, records) => `Signé jusqu’à ${until} ; ${records} enregistrements vérifiés.`,
    unsigned: (count) => `${count} enregistrements au-delà ne sont pas signés et ne prouvent rien.`,
    nothingBehind: 'Rien au-delà n’est compté.',
    checkpoint: (blocks, root) => `Point de contrôle : ${blocks} blocs, racine ${root}`,
    key: (key) => `Clé publique : ${key}`,
    head: (number, time, key) =>
      `Dernière tête signée de la période : numéro ${number} du ${time}, clé ${key}.`,
    witnessed: (needed, all, until, names) =>
      `Attesté jusqu’à ${until} par les ${needed} témoins requis, sur ${all} : ${names}.`,
    notWitnessed: (needed, cosigned) => `Non attesté : ${cosigned} des ${needed} témoins requis ont cosigné.`,
    noWitness: 'Aucun témoin n’est configuré : personne d’autre ne sait jusqu’où le registre était arrivé.',
  },
  unknown: {
    always:
      'Si ce qui est enregistré est vrai, et ce qui n’est jamais parvenu à ce résolveur, aucun registre ne le dit.',
    also: 'Inconnu aussi :',
  },
  unknowns: {
    doubtful: (count) => `ce que disent ${count} enregistrements douteux`,
    missing: () => 'ce que disaient les enregistrements modifiés ou manquants',
    'no-evidence': (length) => `si elle était en vigueur pendant ${length}`,
    unsigned: (count) => `si ${count} enregistrements après la dernière signature sont ce qui fut écrit`,
    'never-signed': () => 'si un enregistrement est ce qui fut écrit : rien n’est signé',
    'no-checkpoint': () => 'si la fin fut coupée : il n’y a pas de point de contrôle, que des têtes signées',
    'signed-less': (time) => `ce qui fut écrit après ${time}, la dernière signature`,
    'no-witness': () => 'si le détenteur de la clé a tout réécrit : il n’y a pas de témoin',
    'witness-short': (cosigned, needed) =>
      `si tout fut réécrit : ${cosigned} témoins sur ${needed} ont cosigné`,
    'witnessed-less': (time) => `si ce qui est plus récent que ${time} fut réécrit : aucun témoin ne l’a vu`,
    dropped: (count) => `${count} événements qui n’ont pu être enregistrés`,
    'unclean-ends': (count) =>
      `les derniers instants avant ${plural(count, 'fin inattendue', 'fins inattendues')} du programme`,
    'no-probe': () =>
      'si les clients furent refusés comme le dit le registre : aucun essai ne le montre pour chaque réseau',
    unproven: (length) => `si une vue était appliquée pendant les ${length} sans preuve`,
    'no-queries': () => 'combien de tentatives il y eut : pas d’enregistrement de requêtes',
    deleted: (time) => `les tentatives avant ${time} : ces enregistrements sont supprimés`,
    'clock-back': (length, time) => `les vraies heures autour de ${time} : horloge reculée de ${length}`,
    'clock-forward': (length, time) => `les vraies heures autour de ${time} : horloge avancée de ${length}`,
    'no-decision': (count) =>
      `sur quoi ${plural(count, 'liste repose', 'listes reposent')} : aucune décision enregistrée`,
    'list-age': (count) => `l’âge des entrées de ${plural(count, 'liste', 'listes')} de décision`,
    nameless: (count) => `qui demanda ou approuva ${plural(count, 'dérogation', 'dérogations')}`,
  },
  timesLead: 'Chaque temps sans l’interdiction, ce qui est à traiter, et la période précédente.',
  seeSection: (number) => `Voir la section ${number}.`,
  need: ([lead, rest]) => `${lead} ${rest}`,
  cut: (count) => `… (${count} caractères de plus dans CSV et JSON)`,
  moreKeys: (count) => `et ${plural(count, 'clé', 'clés')} de plus, dans CSV et JSON`,
  captions: {
    attention: 'Ce qui est à traiter',
    checkpoint: 'Le point de contrôle dont ce rapport est issu',
    witnesses: 'Témoins',
    unknown: 'Ce qui n’est pas connu',
  },
  empty: {
    attention: 'Rien dans ce registre ne demande une personne.',
    checkpoint: 'Il n’y en a pas : seules des têtes sont signées.',
    witnesses: 'Aucun n’est configuré.',
    unknown: 'Rien que ce registre montrerait.',
    gaps: 'À aucun moment.',
    comparison: 'Le registre ne couvre pas toute la période précédente.',
  },
  columns: {
    what: 'Quoi',
    requested_by: 'Demandée par',
    began: 'De, UTC',
    planned_end: 'Fin prévue, UTC',
    real_end: 'Finie, UTC',
    version: 'Version',
    since: 'En vigueur depuis, UTC',
    fresh: 'État au',
    due: 'À revoir avant',
    name: 'Nom',
    state: 'État',
    size: 'Blocs',
    cosigned_at: 'Cosigné, UTC',
    member: 'Champ',
    value: 'Valeur',
  },
};
