/** Calm on a screen, black on white on paper; nothing is fetched from anywhere. */
export const kitStyle = `
:root { color-scheme: light; font: 16px/1.55 system-ui, sans-serif; --ink: #1b2026; --quiet: #57606a; --line: #d8dee4; --accent: #0a5cad; --fair: #9a6700; }
* { box-sizing: border-box; }
body { max-width: 52rem; margin: 0 auto; padding: 3rem 1.25rem; color: var(--ink); background: #fff; overflow-wrap: anywhere; }
.brand { margin: 0; font-weight: 700; letter-spacing: -0.01em; color: var(--accent); }
h1 { margin: 0.5rem 0; font-size: 2rem; line-height: 1.2; letter-spacing: -0.02em; text-wrap: balance; }
h2 { margin: 2.5rem 0 0.75rem; padding-top: 1rem; border-top: 1px solid var(--line); font-size: 1.3rem; break-after: avoid; }
h3 { display: inline; margin: 0; font-size: 1.05rem; break-after: avoid; }
.lead { margin: 0 0 1.5rem; font-size: 1.1rem; color: var(--quiet); text-wrap: pretty; }
dl { display: grid; gap: 0.35rem; margin: 0; padding: 1rem 1.25rem; border: 1px solid var(--line); border-radius: 0.5rem; }
dl div { display: grid; grid-template-columns: 13rem 1fr; gap: 1rem; }
dt { color: var(--quiet); }
dd { margin: 0; font-weight: 600; }
ul, ol { padding-left: 1.4rem; }
li { margin: 0.35rem 0; }
ol > li { margin: 1.75rem 0; }
ol > li::marker { font-weight: 700; color: var(--accent); }
table { width: 100%; border-collapse: collapse; font-size: 0.95rem; }
th, td { padding: 0.5rem 0.75rem 0.5rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
td:first-child { min-width: 9rem; }
th { color: var(--quiet); font-weight: 600; }
tr { break-inside: avoid; }
code, pre { font: 0.82rem/1.5 ui-monospace, "DejaVu Sans Mono", Consolas, monospace; }
pre { margin: 0.5rem 0 1rem; padding: 0.75rem 1rem; border: 1px solid var(--line); border-radius: 0.5rem; background: #f6f8fa; white-space: pre-wrap; user-select: all; break-inside: avoid; }
.name { margin: 1rem 0 0; font-weight: 600; }
.warning { margin: 0.25rem 0 0; color: var(--fair); font-weight: 600; }
@media (max-width: 36rem) { dl div { grid-template-columns: 1fr; gap: 0; } }
@media print { body { max-width: none; padding: 0; font-size: 11pt; } pre { background: none; } @page { margin: 18mm; } }
`;
