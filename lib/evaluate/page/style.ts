import { ink } from './theme.ts'

/** Drawings name their colours by `ink`; here each gets what it is in light and dark. */
const drawn = Object.entries(ink)
  .map(([name, color]) => `[fill="${color}"]{fill:var(--${name})}[stroke="${color}"]{stroke:var(--${name})}`)
  .join('\n')

export const style = `
:root {
  color-scheme: light dark;
  --paper: #fff; --text: #1b1f24; --quiet: #5b6470; --line: #e3e6ea; --accent: #2f6fb3; --soft: #7796b9; --warm: #b4451f;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171b; --text: #e6e9ed; --quiet: #9aa4b0; --line: #2b3138; --accent: #6ea8e6; --soft: #56708c; --warm: #f0875f;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--paper); color: var(--text);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  font-variant-numeric: tabular-nums; -webkit-text-size-adjust: 100%;
}
main { max-width: 46rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .35rem; font-weight: 650; letter-spacing: -.01em; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 3.25rem 0 .25rem; padding-top: 1.25rem; border-top: 1px solid var(--line); font-weight: 650; }
h2 small { font-weight: 400; color: var(--quiet); font-size: .9rem; }
h3 { font-size: .95rem; margin: 2rem 0 .4rem; font-weight: 600; }
p { margin: .35rem 0; }
.quiet, figcaption { color: var(--quiet); font-size: .875rem; }
.numbers { display: grid; grid-template-columns: repeat(auto-fill, minmax(10.5rem, 1fr)); gap: 1.5rem 1.25rem; margin: 1.75rem 0 0; padding: 0; }
.numbers div { min-width: 0; }
.numbers dt { color: var(--quiet); font-size: .875rem; overflow-wrap: anywhere; }
.numbers dd { margin: 0; }
.numbers .value { font-size: 1.9rem; line-height: 1.2; font-weight: 600; letter-spacing: -.02em; }
.numbers.small { grid-template-columns: repeat(auto-fill, minmax(7.5rem, 1fr)); gap: .75rem 1.25rem; max-width: 28rem; margin-top: .75rem; }
.numbers.small .value { font-size: 1.1rem; letter-spacing: 0; }
.exact { color: var(--quiet); font-size: .75rem; overflow-wrap: anywhere; }
.bad { color: var(--warm); }
figure { margin: 0; }
figure svg { display: block; max-width: 100%; height: auto; }
figure svg text { font-family: inherit; }
.narrow { display: none; }
@media (max-width: 36rem) {
  main { padding-top: 1.5rem; }
  .wide { display: none; }
  .narrow { display: block; }
  .numbers .value { font-size: 1.6rem; }
}
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .875rem; margin: .5rem 0; }
th { text-align: left; font-weight: 500; color: var(--quiet); }
th, td { padding: .3rem .9rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
.number { text-align: right; white-space: nowrap; }
.any { overflow-wrap: anywhere; min-width: 8rem; }
.confusion td { text-align: right; min-width: 2.6rem; padding: .3rem .5rem; border: 1px solid var(--paper); }
.confusion th { padding: .3rem .6rem .3rem 0; border: 0; text-align: right; }
details { margin: .5rem 0; font-size: .875rem; }
summary { cursor: pointer; color: var(--quiet); }
dl.run { display: grid; grid-template-columns: 8rem 1fr; gap: .3rem 1rem; font-size: .875rem; margin: 1rem 0; }
dl.run dt { color: var(--quiet); }
dl.run dd { margin: 0; overflow-wrap: anywhere; min-width: 0; }
code { font: .8125rem ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
${drawn}
`
