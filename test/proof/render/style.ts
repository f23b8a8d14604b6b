/** Of the report: nothing is loaded from elsewhere. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #ffffff; --raised: #f4f6f8; --ink: #17212b; --soft: #54616e; --line: #d8dee4;
  --right: #12703a; --bad: #b3201a; --bad-ground: #fdecea; --mark: #2f6db3;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #11171d; --raised: #1a222a; --ink: #e4e9ee; --soft: #9dabb8; --line: #2f3a45;
    --right: #62cf8f; --bad: #ff9089; --bad-ground: #3a1a1a; --mark: #77aee8;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
}
main { max-width: 68rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: clamp(1.6rem, 4.5vw, 2.3rem); line-height: 1.2; margin: 0 0 .75rem; letter-spacing: -.01em; }
h2 { font-size: 1.35rem; line-height: 1.3; margin: 0 0 .4rem; }
h3 { font-size: 1rem; margin: 1.75rem 0 .4rem; }
p, ul { max-width: 46rem; margin: 0 0 .9rem; }
header { border-bottom: 1px solid var(--line); padding-bottom: 1.75rem; }
header .kind { color: var(--soft); margin: 0 0 .4rem; font-size: .9rem; }
header .sentence { font-size: 1.12rem; }
a { color: var(--mark); text-underline-offset: .15em; }
h1.green { color: var(--right); } h1.red { color: var(--bad); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1.25rem; margin: 1.25rem 0 0; font-size: .92rem; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
section { padding: 2.25rem 0 0; }
.result { display: flex; flex-wrap: wrap; gap: .25rem 1rem; font-weight: 600; margin-bottom: .5rem; }
.result > span:not(.mark) { font-weight: 400; }
.mark { white-space: nowrap; } .mark.right { color: var(--right); } .mark.bad { color: var(--bad); font-weight: 600; }
.mark.off { color: var(--soft); }
td.text .mark { white-space: normal; }
.problems { background: var(--bad-ground); border-radius: 6px; padding: .75rem 1rem .75rem 2rem; overflow-wrap: anywhere; }
code, pre { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: .86em; }
details { margin-bottom: .6rem; }
.again code { background: var(--raised); padding: .15rem .4rem; border-radius: 4px; overflow-wrap: anywhere; }
.again { color: var(--soft); } details { margin-bottom: .6rem; }
.again code { color: var(--ink); }
pre { overflow: auto; max-height: 26rem; background: var(--raised); padding: .75rem 1rem; border-radius: 6px; margin: .5rem 0; line-height: 1.45; }
summary { cursor: pointer; color: var(--soft); width: max-content; } summary:hover { color: var(--ink); }
.scroll { overflow-x: auto; margin: .75rem 0 1.1rem; }
:focus-visible { outline: 2px solid var(--mark); outline-offset: 2px; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; min-width: 60%; }
th, td { text-align: left; padding: .32rem .9rem .32rem 0; border-bottom: 1px solid var(--line); vertical-align: top; white-space: nowrap; }
th { color: var(--soft); font-weight: 500; vertical-align: bottom; }
th:first-child, td:first-child { padding-left: .5rem; }
td.number, th.number { text-align: right; } td.text, th.text { white-space: normal; min-width: 12rem; }
th.number { white-space: normal; }
tr.wrong td { background: var(--bad-ground); }
svg { fill: var(--mark); } svg.histogram { width: 7.5rem; height: 1.4rem; display: block; } svg.bar { width: 6rem; height: .55rem; }
.heat-map { min-width: 0; }
.heat-map th[scope=row] { position: sticky; left: 0; background: var(--ground); color: var(--ink); font-weight: 400; padding-right: .75rem; }
.heat-map td, .heat-map th.upright { padding: .25rem .2rem; min-width: 2.6rem; text-align: center; }
.heat-map td { border: 1px solid var(--ground); background: color-mix(in srgb, var(--mark) var(--heat), var(--ground)); }
.heat-map td.none { color: var(--soft); opacity: .6; }
.heat-map td.thin { outline: 2px solid var(--bad); outline-offset: -2px; }
.upright span { writing-mode: vertical-rl; transform: rotate(180deg); display: inline-block; }
figure { margin: 1.5rem 0; } figcaption { max-width: 46rem; margin-bottom: .4rem; font-size: .92rem; }
.strips { display: grid; grid-template-columns: 9.5rem minmax(0, 1fr); align-items: center; gap: 0 .75rem; font-size: .88rem; max-width: 52rem; }
.strip { width: 100%; height: 2.1rem; display: block; } .axis { width: 100%; height: 1.1rem; display: block; }
.strip circle { fill-opacity: .55; } .grid { stroke: var(--line); } .median { stroke: var(--ink); stroke-width: 2; }
.axis text { fill: var(--soft); font-size: 11px; text-anchor: middle; }
footer { margin-top: 3rem; padding-top: 1.25rem; border-top: 1px solid var(--line); color: var(--soft); font-size: .92rem; }
@media (max-width: 40rem) {
  main { padding: 1.5rem 1rem 3rem; }
  .strips { grid-template-columns: minmax(0, 1fr); } .strip-label:empty { display: none; } .strip-label { margin-top: .4rem; }
  .axis .minor { display: none; }
  th, td { padding-right: .6rem; } td.text, th.text { min-width: 6.5rem; }
  dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .4rem; }
}
`;
