// The state directory as a whole: backup, restore.
import { command, JSON_OUTPUT, SERVICE } from '../declaration.ts';

const COMMON = { ...SERVICE, json: JSON_OUTPUT } as const;

export const BACKUP = command({
  name: 'backup',
  about: 'writes the state directory into one file, while the service runs or without it',
  text: [
    'The file is a tar archive, packed by gzip: register of exemptions, records with their keys, lists and their history, the saved generation, what was learned of keys and upstreams; beside it the configuration, and the files that it names. What is in it is one state: databases are copied as of one moment, and the copy is verified before it is packed: records by their chains, the register from its first event on, and every page of every database. Who made it stands in the records. It holds keys and what identifies clients: keep it as you keep the state directory.',
  ],
  arguments: { file: { takes: 'file', about: 'the file, which must not be there yet' } },
  options: { ...COMMON, reason: { value: 'TEXT', default: '', about: 'why; goes into the records' } },
  examples: [
    { command: 'cordon backup /var/backups/cordon-2026-11-26.tar.gz', about: 'every night' },
    { command: 'cordon backup cordon.tar.gz --json', about: 'for a script' },
  ],
  statuses: { 1: 'it could not be written, or what it holds is not whole; the file then says so' },
  see: ['operations.md#backup-and-restore'],
});

export const RESTORE = command({
  name: 'restore',
  about: 'puts the state of a backup into an empty state directory, and verifies it',
  text: [
    'The service must not run, and the state directory that the configuration names has to be empty or absent: two chains of records cannot become one. Every file is compared with the hash in the backup, records and register are verified, and only then is the directory there, as a whole.',
  ],
  arguments: { file: { takes: 'file', about: 'what "cordon backup" wrote' } },
  options: {
    ...COMMON,
    check: { about: 'verify the backup and put it nowhere' },
    configuration: {
      value: 'DIRECTORY',
      takes: 'directory',
      about: 'put the configuration of the backup, and nothing else, into a folder that is not there yet',
    },
  },
  examples: [
    { command: 'cordon restore /var/backups/cordon-2026-11-26.tar.gz', about: 'on a new machine' },
    {
      command: 'cordon restore cordon.tar.gz --configuration kept',
      about: 'first, on a new machine: what was in /etc/cordon',
    },
    { command: 'cordon restore cordon.tar.gz --check', about: 'a rehearsal' },
  ],
  statuses: { 1: 'it was not restored, or its records are not whole' },
  see: ['operations.md#backup-and-restore'],
});
