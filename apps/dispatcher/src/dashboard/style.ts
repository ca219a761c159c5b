/**
 * The dashboard's style sheet, served from its own path: the Content-Security-Policy allows no inline style. Colours
 * come in pairs for light and dark; none of them is the only sign of anything.
 */
export const STYLE = `
:root {
  color-scheme: light dark;
  --bg: #f6f6f2; --panel: #ffffff; --sunken: #efefe9; --line: #dfdfd7; --ink: #1d2320; --soft: #59625c;
  --good: #2a7867; --good-fill: #54a491; --good-wash: #e6f1ee;
  --bad: #ad2a20; --bad-fill: #d1463a; --bad-wash: #fbebe9;
  --warn: #855600; --warn-fill: #d39a2a; --warn-wash: #fbf2dd;
  --run: #2a5c9c; --run-fill: #5b8fd0; --run-wash: #e8f0fa;
  --none: #e4e4dc; --copper: #a85f2c;
  --radius: 8px;
}
@media (prefers-color-scheme: dark) {
  :root {
    --bg: #121614; --panel: #191e1b; --sunken: #141917; --line: #2c342f; --ink: #e3e8e4; --soft: #98a49c;
    --good: #6cc4ac; --good-fill: #3f937f; --good-wash: #16302a;
    --bad: #ff9186; --bad-fill: #d5564b; --bad-wash: #391b18;
    --warn: #e6b855; --warn-fill: #b98a2c; --warn-wash: #33290f;
    --run: #8db9f2; --run-fill: #4f83c6; --run-wash: #172a41;
    --none: #272e2a; --copper: #d99a6c;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--bg); color: var(--ink);
  font: 14px/1.45 ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  font-variant-numeric: tabular-nums;
}
a { color: inherit; text-decoration-color: var(--good-fill); text-underline-offset: 3px; }
a:hover { color: var(--good); }
:focus-visible { outline: 2px solid var(--run); outline-offset: 2px; border-radius: 3px; }
code, .mono { font-family: ui-monospace, SFMono-Regular, "SF Mono", Menlo, Consolas, monospace; font-size: .93em; }
h1, h2, h3, p, dl, dd, ul, ol, figure { margin: 0; padding: 0; }
h1 { font-size: 22px; line-height: 1.25; font-weight: 650; letter-spacing: -.01em; text-wrap: balance; }
h2 { font-size: 14px; font-weight: 650; }
small, .soft { color: var(--soft); }
small { font-size: 12px; }
.skip { position: absolute; left: -999px; }
.skip:focus { left: 8px; top: 8px; background: var(--panel); padding: 8px 12px; z-index: 9; }
.sr { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.nowrap { white-space: nowrap; }

.top { border-bottom: 1px solid var(--line); background: var(--panel); }
.top > div, main, .foot { max-width: 1180px; margin: 0 auto; padding: 0 20px; }
.top > div { display: flex; align-items: center; gap: 22px; min-height: 50px; }
.brand { display: flex; align-items: center; gap: 9px; font-weight: 700; font-size: 15px; text-decoration: none; }
.brand svg { width: 20px; height: 20px; }
.top nav { flex: 1; min-width: 0; overflow-x: auto; scrollbar-width: none; }
.top nav ul { display: flex; gap: 2px; list-style: none; }
.top nav a { display: block; padding: 15px 9px 13px; border-bottom: 2px solid transparent; color: var(--soft); text-decoration: none; white-space: nowrap; }
.top nav a:hover { color: var(--ink); }
.top nav a[aria-current] { color: var(--ink); border-bottom-color: var(--good-fill); font-weight: 600; }
.badge { display: inline-block; min-width: 18px; padding: 0 5px; border-radius: 9px; background: var(--bad-wash); color: var(--bad); font-size: 11px; font-weight: 650; line-height: 18px; text-align: center; margin-left: 5px; }
.who { display: flex; align-items: center; gap: 10px; white-space: nowrap; }
main { padding-top: 26px; padding-bottom: 40px; display: grid; gap: 22px; grid-template-columns: minmax(0, 1fr); }
.foot { padding-top: 14px; padding-bottom: 34px; color: var(--soft); font-size: 12px; display: flex; gap: 6px 18px; flex-wrap: wrap; border-top: 1px solid var(--line); }

.hero { display: grid; grid-template-columns: auto minmax(0, 1fr) auto; gap: 6px 14px; align-items: center; }
.hero > .glyph { width: 34px; height: 34px; }
.hero > .chip { padding: 3px 10px; border: 1px solid var(--line); border-radius: 14px; background: var(--panel); }
.hero > p { grid-column: 2 / -1; color: var(--soft); }
.hero > p.t-bad { color: var(--bad); } .hero > p.t-warn { color: var(--warn); }
.hero > p > .glyph { display: inline-block; }
.hero > form, .hero > .actions { justify-self: end; }
.crumb { color: var(--soft); font-size: 12.5px; margin-bottom: -14px; }
.glyph { width: 14px; height: 14px; flex: none; vertical-align: -2px; }
.t-good { color: var(--good); } .t-bad { color: var(--bad); } .t-warn { color: var(--warn); } .t-run { color: var(--run); } .t-none { color: var(--soft); }

.counters { display: grid; grid-template-columns: repeat(5, 1fr); border: 1px solid var(--line); border-radius: var(--radius); background: var(--panel); overflow: hidden; }
.counters > div { padding: 12px 16px; border-left: 1px solid var(--line); display: flex; flex-direction: column-reverse; justify-content: flex-end; }
.counters > div:first-child { border-left: 0; }
.counters dd { font-size: 21px; font-weight: 650; letter-spacing: -.01em; line-height: 1.2; }
.counters dd small { font-size: 13px; font-weight: 500; letter-spacing: 0; }
.counters dt { color: var(--soft); font-size: 12px; }

.panel { border: 1px solid var(--line); border-radius: var(--radius); background: var(--panel); overflow: hidden; }
.panel > header { display: flex; align-items: center; gap: 12px; flex-wrap: wrap; padding: 11px 16px; border-bottom: 1px solid var(--line); }
.panel > header > :nth-child(2) { margin-left: auto; }
.panel > .body { padding: 14px 16px; }
.panel > .body > * + * { margin-top: 10px; }
.columns { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 22px; }
.attention { border-color: var(--bad-fill); border-left-width: 4px; }
.attention li { list-style: none; padding: 11px 16px; display: grid; grid-template-columns: minmax(150px, 220px) minmax(0, 1fr) auto; gap: 3px 18px; align-items: start; }
.attention li + li { border-top: 1px solid var(--line); }
.attention li > .next { color: var(--soft); }
.notice { padding: 11px 16px; border-radius: var(--radius); border: 1px solid var(--line); border-left: 4px solid var(--run-fill); background: var(--panel); }
.notice.good { border-left-color: var(--good-fill); } .notice.bad { border-left-color: var(--bad-fill); } .notice.warn { border-left-color: var(--warn-fill); }

.chip { display: inline-flex; align-items: baseline; gap: 6px; white-space: nowrap; font-weight: 600; }
.chip .glyph { width: 13px; height: 13px; align-self: center; }

.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th { text-align: left; font-size: 12px; font-weight: 550; color: var(--soft); padding: 8px 12px; white-space: nowrap; background: var(--sunken); border-bottom: 1px solid var(--line); }
th a { text-decoration: none; }
th a:hover { text-decoration: underline; }
th[aria-sort] a { color: var(--ink); font-weight: 650; }
td { padding: 6px 12px; border-top: 1px solid var(--line); vertical-align: middle; }
tbody tr:first-child td { border-top: 0; }
tbody tr:hover { background: var(--sunken); }
th:first-child, td:first-child { padding-left: 16px; }
th:last-child, td:last-child { padding-right: 16px; }
.num { text-align: right; white-space: nowrap; }
td.name a { font-weight: 600; text-decoration: none; white-space: nowrap; }
td.name a:hover { text-decoration: underline; }
td.name small { display: block; max-width: 180px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
td form { display: inline; }
td.size > span { display: inline-block; min-width: 62px; }
.wrap { overflow-wrap: anywhere; }

svg { display: block; }
.chip svg, .spark, .strip { display: inline-block; vertical-align: middle; }
.spark { width: 70px; height: 18px; overflow: visible; }
.spark path { fill: none; stroke: var(--soft); stroke-width: 1.25; stroke-linejoin: round; }
.spark .end { stroke: var(--ink); stroke-width: 4; stroke-linecap: round; }
.strip { width: 210px; height: 20px; }
.strip path, .key path { fill: none; }
.s-good { stroke: var(--good-fill); } .s-failed { stroke: var(--bad-fill); } .s-fuzzy, .s-recovered { stroke: var(--warn-fill); }
.s-missed { stroke: var(--bad); } .s-running { stroke: var(--run-fill); } .s-due { stroke: var(--soft); } .s-none { stroke: var(--none); }
.f-good { fill: var(--good-fill); } .f-failed { fill: var(--bad-fill); } .f-fuzzy, .f-recovered { fill: var(--warn-fill); }
.f-missed { fill: var(--panel); stroke: var(--bad-fill); stroke-width: 1.4; } .f-running { fill: var(--run-fill); } .f-due { fill: var(--panel); stroke: var(--soft); stroke-dasharray: 2 2; } .f-none { fill: var(--none); }

.fall { width: 100%; min-width: 220px; height: 16px; }
.b-waiting { fill: var(--soft); } .b-exporting { fill: var(--good-fill); } .b-failed { fill: var(--bad-fill); } .b-reporting { fill: var(--run-fill); }
.timeline, ul.plain { list-style: none; }
a.drilled { text-decoration: none; white-space: nowrap; }
a.drilled small, td.num > small { display: block; }
td .actions { flex-wrap: nowrap; }
.proof, .why { display: block; }
.why { max-width: 230px; }
td.check small { display: block; }
.heat { width: 100%; max-width: 460px; margin: 0 auto; }
.heat text { font-size: 7px; fill: var(--soft); }
.heat path, .key .cell path { fill: none; stroke: #fff; stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round; }
.heat .sign-missed, .key .cell .sign-missed { stroke: var(--bad); }
.heat .today { stroke: var(--ink); stroke-width: 1.5; }
.plot figcaption { display: flex; justify-content: space-between; font-size: 12.5px; font-weight: 600; margin-bottom: 6px; }
.plot .axes { display: grid; grid-template-columns: 58px minmax(0, 1fr) auto; grid-template-rows: 1fr auto auto; gap: 0 8px; color: var(--soft); }
.plot .axes svg { grid-area: 1 / 2 / 3 / 4; width: 100%; height: 112px; border-left: 1px solid var(--line); border-bottom: 1px solid var(--line); overflow: visible; }
.plot .axes small { font-size: 11px; text-align: right; }
.plot .axes small:nth-of-type(1) { grid-area: 1 / 1; align-self: start; margin-top: -5px; } .plot .axes small:nth-of-type(2) { grid-area: 2 / 1; }
.plot .axes small:nth-of-type(3) { grid-area: 3 / 2; text-align: left; padding-top: 3px; } .plot .axes small:nth-of-type(4) { grid-area: 3 / 3; padding-top: 3px; }
.plot path { fill: none; vector-effect: non-scaling-stroke; stroke-linecap: round; stroke-linejoin: round; }
.plot .line { stroke: var(--good-fill); stroke-width: 1.75; }
.plot .bars { stroke: var(--run-fill); stroke-width: 4.5; stroke-linecap: butt; vector-effect: none; }
.plot .dot { stroke: var(--good); stroke-width: 4; } .plot .bars ~ .dot { stroke: transparent; stroke-width: 9; }
.plot .dot:hover { stroke: var(--ink); stroke-width: 8; }
.plot .anomaly { stroke: var(--warn-fill); stroke-width: 13; stroke-linecap: square; }
.plot .band { fill: var(--good-wash); }

button, .button { font: inherit; font-weight: 600; color: var(--ink); background: var(--panel); border: 1px solid var(--line); border-radius: 6px; padding: 5px 12px; cursor: pointer; text-decoration: none; display: inline-block; white-space: nowrap; }
button:hover, .button:hover { border-color: var(--soft); color: var(--ink); }
button.main, .button.main { background: var(--good); border-color: var(--good); color: var(--panel); }
button.main:hover { background: var(--ink); border-color: var(--ink); }
button.plain { border: 0; background: none; padding: 4px 0; color: var(--soft); font-weight: 500; text-decoration: underline; text-underline-offset: 3px; }
button.danger { color: var(--bad); }
button.small { padding: 2px 8px; font-size: 12.5px; }
progress { width: 100%; max-width: 420px; height: 10px; accent-color: var(--good); }
input, select { font: inherit; color: inherit; background: var(--panel); border: 1px solid var(--line); border-radius: 6px; padding: 5px 9px; min-width: 0; }
input::placeholder { color: var(--soft); opacity: 1; }
.fields { display: grid; gap: 10px; justify-items: start; }
.fields label { display: grid; gap: 3px; font-size: 12px; color: var(--soft); width: 100%; max-width: 380px; }
.fields label input, .fields label select { font-size: 14px; color: var(--ink); }
.retention fieldset { border: 0; padding: 0; margin: 0; display: grid; gap: 8px; min-width: 0; }
.retention legend { padding: 0; margin-bottom: 8px; font-weight: 650; }
.panel > .retention > * + * { margin-top: 20px; }
.retention .choice { display: flex; gap: 8px; align-items: baseline; }
.retention .choice input { flex: none; }
.numbers { display: flex; flex-wrap: wrap; gap: 8px 22px; }
.numbers.age, .numbers.tiers { padding-left: 24px; }
.numbers label { display: grid; gap: 3px; font-size: 12px; color: var(--soft); }
.numbers input { font-size: 14px; color: var(--ink); width: 112px; }
form:has([value="age"]:checked) .numbers.tiers, form:has([value="tiers"]:checked) .numbers.age { display: none; }
.boxes { display: grid; gap: 5px; margin-top: 8px; justify-items: start; }
.boxes label { display: flex; gap: 6px; align-items: baseline; }
.boxes small { display: block; }
.filter { display: flex; gap: 8px; flex-wrap: wrap; }
.filter input { width: 190px; }
.actions { display: flex; gap: 8px; flex-wrap: wrap; align-items: center; }
.choices { display: flex; gap: 4px 14px; flex-wrap: wrap; }
.choices a { color: var(--soft); text-decoration: none; border-bottom: 2px solid transparent; }
.choices a:hover { color: var(--ink); }
.choices a[aria-current] { color: var(--ink); font-weight: 600; border-bottom-color: var(--good-fill); }
.pages { display: flex; gap: 14px; padding: 10px 16px; border-top: 1px solid var(--line); color: var(--soft); align-items: center; }
.pages > :first-child { margin-right: auto; }
.key { display: flex; gap: 4px 16px; flex-wrap: wrap; padding: 10px 16px; border-top: 1px solid var(--line); color: var(--soft); font-size: 12px; list-style: none; }
.key li { display: flex; align-items: center; gap: 6px; }
.key svg { width: 8px; height: 16px; } .key svg.cell { width: 13px; height: 13px; overflow: visible; }
.empty { padding: 30px 16px; text-align: center; color: var(--soft); }
.empty code { display: inline-block; margin-top: 8px; padding: 6px 12px; border-radius: 6px; background: var(--sunken); border: 1px solid var(--line); color: var(--ink); }
.facts { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 4px 18px; }
.facts dt { color: var(--soft); }
details > summary { cursor: pointer; color: var(--soft); }
pre { margin: 0; padding: 12px 14px; overflow-x: auto; background: var(--sunken); border: 1px solid var(--line); border-radius: 6px; font-size: 12.5px; }

.letter { display: flex; gap: 6px 14px; flex-wrap: wrap; }
.letter .actions { flex-wrap: nowrap; }
.letter input { width: 130px; }
.tall { max-height: 420px; overflow-y: auto; }
.guide { display: grid; gap: 12px; grid-template-columns: minmax(0, 1fr); max-width: 860px; }
.guide h2 { font-size: 16px; margin-top: 14px; }
.copy { display: grid; gap: 6px; justify-items: start; }
.copy pre { width: 100%; }

.login { max-width: 400px; margin: 9vh auto 0; padding: 0 20px; display: grid; gap: 18px; }
.login form { display: grid; gap: 10px; }
.login .brand { font-size: 19px; }
.login .brand svg { width: 28px; height: 28px; }
.login input { padding: 9px 11px; width: 100%; }
.login button { padding: 9px 12px; }

@media (max-width: 900px) {
  .top > div { flex-wrap: wrap; gap: 0 14px; }
  .brand { min-height: 46px; }
  .who { margin-left: auto; }
  .top nav { order: 3; flex: 1 0 100%; margin: 0 -20px; padding: 0 12px; }
  .top nav ul { display: grid; grid-template-columns: repeat(auto-fit, minmax(78px, 1fr)); gap: 0; }
  .top nav a { padding: 6px 4px 7px; text-align: center; font-size: 13px; }
  .badge { margin-left: 2px; padding: 0 3px; min-width: 15px; }
  .columns { grid-template-columns: minmax(0, 1fr); }
  .strip { width: 168px; }
}
@media (max-width: 720px) {
  .top > div { padding: 0 16px; }
  .top nav { margin: 0 -16px; padding: 0 8px; }
  main { padding: 18px 16px 30px; gap: 16px; }
  h1 { font-size: 18px; }
  .hero { grid-template-columns: auto minmax(0, 1fr); }
  .hero > .glyph { width: 26px; height: 26px; align-self: start; }
  .hero > .chip { justify-self: start; }
  .hero > .chip, .hero > .chip + h1 { grid-column: 1 / -1; }
  .hero > p, .hero > form, .hero > .actions { grid-column: 1 / -1; justify-self: start; }
  .hero > form, .hero > .actions { order: 1; }
  .counters { grid-template-columns: repeat(6, 1fr); }
  .counters > div { grid-column: span 2; padding: 9px 12px; border-left: 1px solid var(--line); border-top: 1px solid var(--line); margin: -1px 0 0 -1px; }
  .counters > div:nth-child(-n + 2) { grid-column: span 3; }
  .counters dd { font-size: 17px; }
  .attention li { grid-template-columns: minmax(0, 1fr); }
  table.cards thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  table.cards, table.cards tbody { display: block; }
  table.cards tr { display: grid; grid-template-columns: 1fr 1fr; gap: 5px 14px; padding: 12px 16px; border-top: 1px solid var(--line); }
  table.cards tbody tr:first-child { border-top: 0; }
  table.cards td { display: block; padding: 0; border: 0; text-align: left; min-width: 0; }
  table.cards td[data-label]::before { content: attr(data-label); display: block; font-size: 11px; color: var(--soft); }
  table.cards td.name small { max-width: none; }
  td.size > span { min-width: 0; margin-right: 8px; }
  table.cards td.wide { grid-column: 1 / -1; order: 1; }
  table.cards td.key { grid-column: 1 / -1; }
  table.cards td.num { text-align: left; }
  table.cards td.state { justify-self: end; }
  .strip { width: 100%; }
  .filter, search { width: 100%; } .filter input { flex: 1 0 100%; } .filter select { flex: 1; }
  .foot { padding-left: 16px; padding-right: 16px; }
}
@media (prefers-reduced-motion: no-preference) {
  .turning { animation: turn 1.6s linear infinite; transform-origin: center; }
  @keyframes turn { to { transform: rotate(360deg); } }
}
`;
