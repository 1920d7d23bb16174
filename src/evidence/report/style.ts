// The style of the report's page: light, dark and paper; wide and narrow. One text, so that its hash allows it and nothing else.
//
// Contrast of text is 4.5 to 1 and more, of shapes 3 to 1 (WCAG 2.2, 1.4.3 and 1.4.11). Red stands for "not in force" alone.
// On a narrow screen each row of a table becomes a card with the heads beside its cells.

import { BULLET_WIDTH, CELL_GAP, FACT_LABEL_WIDTH, FACTS_WIDTH, FRONT, LABEL_WIDTH } from './page-one.ts';

/** Lines that paper has room for; the rest of a text ends in an ellipsis. */
const LINES = [1, 2, 3, 4]
  .map(
    (lines) =>
      `.front .l${lines}{display:-webkit-box;-webkit-box-orient:vertical;-webkit-line-clamp:${lines};overflow:hidden}`,
  )
  .join('');
/** Widths of columns of page one, in half per cent. */
const WIDTHS = Array.from({ length: 50 }, (_, at) => `.w${at + 1}{width:${(at + 1) / 2}%}`).join('');
const pt = (size: number): string => `${size}pt`;

/** The style sheet. */
export const STYLE = `
:root{color-scheme:light dark;--bg:#f5f6f8;--surface:#fff;--sunken:#eef1f4;--line:#dde2e8;--rule:#7f8a99;--text:#17202c;--text-2:#475364;--text-3:#5b6778;--accent:#1d4f9e;--good:#12855f;--good-text:#0a6649;--good-soft:#e3f3ec;--bad:#c6301f;--bad-text:#ab2317;--bad-soft:#fbeae7;--warning:#b36b00;--warning-text:#7d4b00;--unknown:#7b8694;--unknown-text:#4d5866;--unknown-soft:#eceff2;--c1:#1f5fb4;--c2:#c2570c;--c3:#17988a;--c4:#5e2a7e}
@media screen and (prefers-color-scheme:dark){:root{--bg:#0d1117;--surface:#151b23;--sunken:#0f151c;--line:#29323e;--rule:#6f7c8d;--text:#e7ebf1;--text-2:#b0bac7;--text-3:#93a0b0;--accent:#8ab6ff;--good:#2fa77c;--good-text:#57cfa2;--good-soft:#10291f;--bad:#e8584a;--bad-text:#ff9286;--bad-soft:#33161a;--warning:#cf8a17;--warning-text:#f0b550;--unknown:#77838f;--unknown-text:#a3aebb;--unknown-soft:#1c242d;--c1:#6aa5f8;--c2:#e88b4a;--c3:#2fae99;--c4:#e3bff0}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--text);font:14px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Liberation Sans","DejaVu Sans",Arial,sans-serif;font-variant-numeric:tabular-nums;hyphens:manual}
h1,h2,h3,p,dl,dd,ul,figure{margin:0;padding:0}
h1{font-size:25px;line-height:1.15;letter-spacing:-.02em}
h2{font-size:19px;letter-spacing:-.015em}
h3,caption{font-size:14px;font-weight:650;text-align:left}
a{color:var(--accent)}
code{font:.93em ui-monospace,"Cascadia Mono","Liberation Mono","DejaVu Sans Mono",Menlo,Consolas,monospace}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
.skip{position:absolute;left:-100rem}
.skip:focus{left:1rem;top:1rem;z-index:3;background:var(--surface);padding:.5rem}
nav{background:var(--surface);border-bottom:1px solid var(--line);padding:8px 20px;display:flex;flex-wrap:wrap;gap:2px 18px;justify-content:center;font-size:13px}
nav a{line-height:26px}
main{padding:22px 16px 48px;display:grid;gap:22px;justify-content:center;grid-template-columns:minmax(0,56rem)}
.sheet{background:var(--surface);border:1px solid var(--line);border-radius:8px;padding:34px 40px;display:grid;gap:20px;align-content:start;min-width:0}
.sheet>*{min-width:0}
.top{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,19rem);gap:6px 32px;border-bottom:2px solid var(--text);padding-bottom:14px}
.kicker{font-weight:650;color:var(--accent);font-size:13px;margin-bottom:4px}
.subtitle,.lead{color:var(--text-2);margin-top:5px}
.facts{display:grid;gap:2px;align-content:start;font-size:12.5px}
.facts div{display:grid;grid-template-columns:6.5rem minmax(0,1fr);gap:8px}
.facts dt{color:var(--text-3)}
.facts.wide{font-size:13px}
.facts.wide div{grid-template-columns:13rem minmax(0,1fr)}
.facts dd{white-space:pre-wrap}
.alarm{color:var(--warning-text)}
.answer{display:grid;grid-template-columns:auto minmax(0,1fr);gap:4px 14px;border-radius:8px;padding:15px 18px}
.answer svg{width:34px;height:34px}
.answer h2{font-size:20px;line-height:1.2}
.answer div{display:grid;gap:4px}
.answer.good{background:var(--good-soft)}.answer.good h2{color:var(--good-text)}
.answer.bad{background:var(--bad-soft)}.answer.bad h2{color:var(--bad-text)}
.answer.unknown{background:var(--unknown-soft)}.answer.unknown h2{color:var(--unknown-text)}
.mark.good{fill:var(--good)}.mark.bad{fill:var(--bad)}.mark.warning{fill:var(--warning)}.mark.unknown{fill:none;stroke:var(--unknown);stroke-width:3;stroke-dasharray:5 4}
.knock{fill:none;stroke:var(--surface);stroke-width:3;stroke-linecap:round;stroke-linejoin:round}
.answer .knock{stroke:var(--surface)}
.questions{display:grid;gap:13px}
.question{display:grid;grid-template-columns:7.4rem minmax(0,1fr);gap:4px 12px;border-top:1px solid var(--line);padding-top:9px}
.question>table,.question>.more{grid-column:1/-1}
.question>.beside{grid-column:2}
.question>div{display:grid;gap:2px;font-size:13px}
.question ul{padding-left:14px;display:grid;gap:2px}
.question h3 span{color:var(--text-3);font-weight:400;margin-right:4px}
.needs{border:0;padding:0}
.needs h3{color:var(--warning-text)}
.more{font-size:12.5px;font-weight:600;color:var(--text-2)}
.fixed{table-layout:fixed;font-size:12.5px}
.fixed .n{white-space:normal}
.findings{border:3px solid var(--bad)}.findings h2{color:var(--bad-text)}
.check{font-size:12.5px;color:var(--text-2);border-top:1px solid var(--rule);padding-top:8px}
${WIDTHS}
.chart{display:block;overflow:visible}
.chart text{font-size:12px;fill:var(--text-3)}
.chart .pin{font-weight:680;fill:var(--text)}
.chart .val{font-size:11px;fill:var(--text-2)}
.t-good{fill:var(--good)}.t-bad{fill:var(--bad)}.t-warning{fill:var(--warning)}.t-unknown{fill:var(--unknown)}
.s-bad{stroke:var(--bad);stroke-width:4}.s-warning{stroke:var(--warning);stroke-width:4}.s-unknown{stroke:var(--unknown);stroke-width:4}
.halo{stroke:var(--surface);stroke-width:8}
.axis,.grid{stroke:var(--line)}
.before{stroke:var(--text-2);stroke-width:2}
.c-1{fill:var(--c1)}.c-2{fill:var(--c2)}.c-3{fill:var(--c3)}.c-4{fill:var(--c4)}
figcaption{display:flex;flex-wrap:wrap;gap:2px 18px;font-size:12.5px;color:var(--text-2);margin-top:4px}
.key{width:11px;height:11px;vertical-align:-1px;margin-right:5px}
.note,.empty{font-size:12.5px;color:var(--text-3)}
.note{border-left:3px solid var(--rule);padding-left:10px}
table{width:100%;border-collapse:collapse;font-size:13px}
caption{padding-bottom:5px}
th,td{text-align:left;padding:4px 10px 4px 0;border-bottom:1px solid var(--line);vertical-align:baseline;font-weight:400;overflow-wrap:normal;word-break:normal}
thead th{font-size:12px;font-weight:600;color:var(--text-3);border-bottom-color:var(--rule);vertical-align:bottom}
th:last-child,td:last-child{padding-right:0}
tbody th{font-weight:500}
.n{text-align:right;white-space:nowrap}
thead .n{white-space:normal}
.w{white-space:nowrap}
.bar{width:24%;vertical-align:middle}
.head{border-bottom-color:var(--rule)}
.section{border-bottom:2px solid var(--text);padding-bottom:11px}
.section span{color:var(--text-3);font-weight:400;margin-right:8px}
.paper{display:grid;gap:8px;border-top:1px solid var(--line);padding-top:14px}
.vh{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
@media screen and (max-width:46rem){
main{padding:12px 8px 40px}
.sheet{padding:20px 16px}
.top,.question{grid-template-columns:minmax(0,1fr)}
.question>.beside{grid-column:1}
nav{justify-content:flex-start;padding:6px 16px}
.facts div,.facts.wide div{grid-template-columns:minmax(0,1fr);gap:0}
.facts.wide dd{margin-bottom:4px}
.many .val,.many .lab{display:none}
.cards thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.cards,.cards tbody,.cards tr,.cards th,.cards td,.cards caption{display:block}
.cards tr{padding:8px 0;border-bottom:1px solid var(--line)}
.cards th,.cards td{border:0;padding:1px 0;text-align:left;white-space:normal;overflow-wrap:anywhere}
.cards td[data-head]{display:grid;grid-template-columns:8.5rem minmax(0,1fr);gap:10px}
.cards td[data-head]::before{content:attr(data-head);color:var(--text-3)}
.cards tbody th{font-weight:650}
.bar{width:16%}
}
@page{size:A4;margin:14mm 15mm 16mm}
@media print{
:root{color-scheme:light}
body{background:#fff;font-size:9.5pt}
nav,.skip{display:none}
main{display:block;padding:0}
.sheet{border:0;border-radius:0;padding:0;margin-bottom:8mm}
.sheet+.sheet{break-before:page}
h2,h3,caption,figcaption{break-after:avoid}
figure,tr,li,.answer,.facts div{break-inside:avoid}
thead{display:table-header-group}
svg,.answer,.note{print-color-adjust:exact;-webkit-print-color-adjust:exact}
.front{display:block;font-size:${pt(FRONT.text)};line-height:${pt(FRONT.textLine)}}
${LINES}
.front p,.front dd,.front h2,.front h3,.front .needs{margin:0;font-size:${pt(FRONT.text)};line-height:${pt(FRONT.textLine)}}
.front .top{grid-template-columns:minmax(0,1fr) ${pt(FACTS_WIDTH)};gap:0 20pt;padding-bottom:5pt;margin-bottom:${pt(FRONT.boxGap - 5)};border-bottom-width:1.5pt}
.front h1{font-size:${pt(FRONT.title)};line-height:${pt(FRONT.titleLine)};letter-spacing:0}
.front .kicker,.front .subtitle{margin:0}
.front .facts{gap:1pt;font-size:${pt(FRONT.table)};line-height:${pt(FRONT.tableLine)}}
.front .facts div{grid-template-columns:${pt(FACT_LABEL_WIDTH)} minmax(0,1fr);gap:0}
.front .facts dd{font-size:${pt(FRONT.table)};line-height:${pt(FRONT.tableLine)};white-space:normal}
.front .answer{grid-template-columns:auto minmax(0,1fr);gap:0 10pt;padding:${pt(FRONT.boxGap / 2)} 13pt;margin-bottom:${pt(FRONT.boxGap - 5)};border-radius:5pt}
.front .findings{border-width:1.5pt;padding:${pt(FRONT.boxGap / 2 - 1.5)} 13pt}
.front .answer svg{width:22pt;height:22pt}
.front .answer div{gap:0}
.front .answer h2{font-size:${pt(FRONT.answer)};line-height:${pt(FRONT.answerLine)};letter-spacing:0}
.front figure{margin:0 0 4pt}
.front figcaption{font-size:${pt(FRONT.table)};line-height:${pt(FRONT.tableLine)};gap:0 12pt;margin-top:1pt}
.front .questions{display:block}
.front .question{grid-template-columns:${pt(LABEL_WIDTH)} minmax(0,1fr);gap:0;padding-top:1.5pt;margin-bottom:${pt(FRONT.gap - 2)};border-top-width:.5pt}
.front .needs{padding:0;margin-bottom:${pt(FRONT.gap)}}
.front .question>div{display:block;font-size:${pt(FRONT.text)}}
.front .question ul{display:block;padding-left:${pt(BULLET_WIDTH)}}
.front .question h3{padding-right:4pt;max-height:${pt(2 * FRONT.textLine)};overflow:hidden}
.front .more{font-size:${pt(FRONT.table)};line-height:${pt(FRONT.tableLine)}}
.front .fixed{font-size:${pt(FRONT.table)};line-height:${pt(FRONT.tableLine)};margin-top:1pt}
.front .fixed th,.front .fixed td{padding:${pt(FRONT.rowGap / 2 - 0.5)} ${pt(CELL_GAP)} ${pt(FRONT.rowGap / 2 - 0.5)} 0;border-bottom-width:.5pt;vertical-align:top}
.front .fixed thead th{font-size:${pt(FRONT.table)};padding:0 ${pt(CELL_GAP)} 1pt 0;vertical-align:bottom}
.front .check{font-size:${pt(FRONT.table)};line-height:${pt(FRONT.tableLine)};padding-top:4pt}
}
`;
