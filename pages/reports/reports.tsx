// Reports: make one, see how far it is, and the made ones with their files.
import type { VNode } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { act } from '../api/client.ts';
import type { Group, Report } from '../api/members.ts';
import { Choices, Form, Select, TextField } from '../parts/form.tsx';
import { FaultNote, Hash, Head, Loaded, Nothing, Panel } from '../parts/panel.tsx';
import { may, nowMs, toast } from '../parts/room.ts';
import { inPath } from '../parts/router.ts';
import { useText } from '../parts/say.tsx';
import { Raw } from '../parts/service-text.tsx';
import { useData, useDoing } from '../parts/use-data.ts';
import { PERIODS, type PeriodName, periodOf } from './periods.ts';

const FORMS = ['html', 'pdf', 'csv', 'json'];
/** While one is being made. */
const POLL_MS = 1_500;

const Make = ({ onMade }: { readonly onMade: () => void }): VNode => {
  const { say, word, format, language } = useText();
  const groups = useData<readonly Group[]>('/v1/groups');
  const [name, setName] = useState<PeriodName>('last-month');
  const [from, setFrom] = useState('');
  const [to, setTo] = useState('');
  const [group, setGroup] = useState('');
  const [forms, setForms] = useState<readonly string[]>(['html', 'pdf']);
  const [wrong, setWrong] = useState<string | undefined>(undefined);
  const doing = useDoing();
  const period = periodOf(name, nowMs()) ?? { from, to };
  const send = (): void => {
    if (period.from === '' || period.to === '' || period.from > period.to) {
      setWrong(say('periodWrong'));
      return;
    }
    setWrong(undefined);
    doing.run(async () => {
      await act<Report>('/v1/reports', {
        from: period.from,
        to: period.to,
        ...(group !== '' && { group }),
        formats: forms,
        language,
      });
      toast.set({ text: say('toastReport'), isBad: false });
      onMade();
    });
  };
  return (
    <Panel title={say('makeReport')} beside={say('makeBeside')}>
      <div class="body">
        <Form onSend={send}>
          <FaultNote fault={doing.fault} />
          <div class="fields">
            <Select
              label={say('period')}
              value={name}
              onValue={(value) => setName(PERIODS.find((one) => one === value) ?? 'own')}
              options={PERIODS.map((one) => [one, word('period', one)])}
              hint={name === 'own' ? undefined : `${format.day(period.from)} – ${format.day(period.to)}`}
            />
            {name === 'own' && (
              <>
                <TextField type="date" label={say('from')} value={from} onValue={setFrom} wrong={wrong} />
                <TextField type="date" label={say('to')} value={to} onValue={setTo} />
              </>
            )}
            <Select
              label={say('network')}
              value={group}
              onValue={setGroup}
              options={[
                ['', say('allOfThem')],
                ...(groups.value ?? []).map((one) => [one.name, one.name] as const),
              ]}
            />
          </div>
          <Choices
            legend={say('forms')}
            options={FORMS.map((one) => [one, one.toUpperCase()])}
            chosen={forms}
            onChosen={setForms}
          />
          <div class="row">
            <button type="submit" class="first" disabled={doing.isBusy || forms.length === 0}>
              {say('makeReport')}
            </button>
          </div>
        </Form>
      </div>
    </Panel>
  );
};

const isUnderWay = ({ state }: Report): boolean => state !== 'done' && state !== 'failed';

/** Tells one report from another in a folder of downloads. */
const fileNameOf = ({ from, to, group }: Report, name: string): string =>
  ['cordon', from.slice(0, 10), to.slice(0, 10), group ?? [], name].flat().join('-');

const ReportRow = ({ report }: { readonly report: Report }): VNode => {
  const { say, word, format } = useText();
  const day = (time: string): string => format.day(time);
  return (
    <tr>
      <th scope="row">
        {day(report.from)} – {day(report.to)}
        <span class="small soft"> {report.group ?? say('allNetworksShort')}</span>
      </th>
      <td class="wide">
        {report.by}
        {report.every !== null && <span class="small soft"> {word('every', report.every)}</span>}
        <br />
        <span class="small faint">{format.time(report.askedAt)}</span>
      </td>
      <td>
        {report.state === 'done' ? (
          <ul>
            {report.files.map((file) => (
              <li key={file.name}>
                <a
                  href={`/api/v1/reports/${inPath(report.id)}/files/${inPath(file.name)}`}
                  download={fileNameOf(report, file.name)}
                >
                  {file.name}
                </a>{' '}
                <span class="small faint">
                  {format.bytes(file.bytes)}, <Hash sha256={file.sha256} />
                </span>
              </li>
            ))}
          </ul>
        ) : report.state === 'failed' ? (
          <>
            <span class="wrong">{word('report', 'failed')}</span> <Raw text={report.fault ?? ''} />
          </>
        ) : (
          <>
            <progress value={report.progress} max={1} aria-label={word('report', report.state)} />
            <span class="soft">
              {word('report', report.state)} {format.percent(report.progress)}
            </span>
          </>
        )}
      </td>
    </tr>
  );
};

export const Reports = (): VNode => {
  const { say } = useText();
  const reports = useData<readonly Report[]>('/v1/reports', ['reports']);
  const { reload, value } = reports;
  const waits = value?.some(isUnderWay) === true;
  useEffect(() => {
    if (!waits) return;
    const timer = setInterval(reload, POLL_MS);
    return () => clearInterval(timer);
  }, [waits, reload]);
  return (
    <>
      <Head title={say('placeReports')} />
      {may('makeReport') ? <Make onMade={reload} /> : <p class="soft">{say('makeNotYours')}</p>}
      <Panel title={say('madeReports')} beside={say('madeBeside')}>
        <Loaded data={reports}>
          {(all) =>
            all.length === 0 ? (
              <Nothing>{say('reportsNone')}</Nothing>
            ) : (
              <table>
                <thead>
                  <tr>
                    <th scope="col">{say('period')}</th>
                    <th scope="col" class="wide">
                      {say('by')}
                    </th>
                    <th scope="col">{say('files')}</th>
                  </tr>
                </thead>
                <tbody>
                  {all.map((report) => (
                    <ReportRow key={report.id} report={report} />
                  ))}
                </tbody>
              </table>
            )
          }
        </Loaded>
      </Panel>
      <Panel title={say('verifyTitle')}>
        <div class="body stack">
          <p class="soft">{say('verifyHow')}</p>
          <pre>cordon report verify FILE --key PUBLIC.pem</pre>
        </div>
      </Panel>
    </>
  );
};
