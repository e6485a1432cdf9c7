"""The style sheet of a report, for light and dark screens, wide and narrow."""

__all__ = ["STYLE"]

STYLE = """
:root {
  color-scheme: light dark;
  --page: #fbfbfa; --card: #fff; --ink: #1d1f23; --soft: #5d6470; --rule: #d9dce1;
  --c0: #1f6fb4; --c1: #cc5a0a; --c2: #1b8a56; --c3: #b3357a;
  --c4: #6f4fb0; --c5: #86690f; --c6: #0e8ba0; --c7: #6b6b6b;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #15171a; --card: #1d2024; --ink: #e7e9ec; --soft: #a2a9b4; --rule: #363b43;
    --c0: #6db1ff; --c1: #ff9d5c; --c2: #5fd08f; --c3: #f283b6;
    --c4: #b79cff; --c5: #d9b44a; --c6: #5bd5e6; --c7: #b5b5b5;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
header, main, footer { max-width: 1180px; margin: 0 auto; padding: 0 20px; }
header { padding-top: 28px; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 6px; overflow-wrap: anywhere; }
h2 { font-size: 1.3rem; margin: 40px 0 8px; border-bottom: 2px solid var(--rule);
  padding-bottom: 6px; overflow-wrap: anywhere; }
h3 { font-size: 1.05rem; margin: 28px 0 8px; }
p { margin: 6px 0 12px; max-width: 75ch; }
.note, footer, caption, figcaption { color: var(--soft); font-size: .875rem; }
nav ul { padding-left: 1.2em; }
a { color: var(--c0); }
.scroll { overflow-x: auto; margin: 8px 0 12px; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding: 4px 0; caption-side: top; white-space: nowrap; }
th, td { padding: 5px 10px; text-align: right; vertical-align: baseline; white-space: nowrap;
  border-bottom: 1px solid var(--rule); }
thead th { vertical-align: bottom; font-weight: 600; white-space: normal; }
tbody th { text-align: left; font-weight: 500; }
thead tr > :first-child { text-align: left; }
tr > th:first-child { position: sticky; left: 0; background: var(--page); z-index: 1; }
.config thead th, th.note { text-align: left; }
td.note { text-align: left; white-space: normal; min-width: 26em; }
td details { margin: 4px 0 0; padding: 2px 8px; }
.heat td { text-align: center; padding: 4px 6px; min-width: 3em; border: 1px solid var(--page); }
.heat thead th { text-align: center; }
.heat thead th:first-child { text-align: left; }
.heat .first { border-left: 8px solid transparent; background-clip: padding-box; }
.heat .block { color: var(--soft); font-size: .8rem; font-weight: 400; padding-top: 10px;
  border: 0; border-bottom: 1px solid var(--rule); }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(260px, 1fr)); gap: 16px; }
figure { margin: 0; background: var(--card); border: 1px solid var(--rule); border-radius: 8px;
  padding: 10px 12px; }
svg { display: block; width: 100%; height: auto; font-size: 12px; fill: var(--soft); }
.grid { stroke: var(--rule); stroke-width: 1; }
.line { fill: none; stroke-width: 2.25; stroke-linejoin: round; }
.bar { stroke-width: 1.25; }
.bound { stroke-width: 2.25; stroke-dasharray: 6 4; }
.mark { stroke: none; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 4px 18px; padding: 0;
  margin: 10px 0; font-size: .875rem; }
.legend li { display: flex; align-items: center; gap: 6px; }
.legend svg { width: 30px; flex: none; }
.swatch { width: 14px; height: 14px; border-radius: 3px; border: 1px solid var(--rule); }
.gallery { display: grid; gap: 8px 28px; align-items: start;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 540px), 1fr)); }
.columns { display: flex; flex-wrap: wrap; gap: 0 48px; }
.columns > * { max-width: 100%; }
.gallery .scroll { min-width: 0; }
.gallery th, .gallery td { border: 0; padding: 3px; text-align: left; vertical-align: top; }
.gallery thead th { font-weight: 400; color: var(--soft); position: static; }
.gallery tbody th { position: static; padding: 3px 3px 3px 12px; white-space: normal;
  min-width: 5em; max-width: 7em; overflow-wrap: anywhere; }
.gallery caption { font-weight: 600; color: var(--ink); }
.gallery img { display: block; width: 116px; height: auto; border-radius: 4px; }
details { background: var(--card); border: 1px solid var(--rule); border-radius: 8px;
  padding: 8px 14px; margin: 8px 0; }
details tr > th:first-child { background: var(--card); }
details details { border-style: dashed; }
summary { cursor: pointer; overflow-wrap: anywhere; }
.config td { text-align: left; white-space: pre-wrap; overflow-wrap: anywhere; }
pre { overflow-x: auto; background: var(--page); border: 1px solid var(--rule); border-radius: 6px;
  padding: 8px 10px; font-size: .8125rem; white-space: pre-wrap; overflow-wrap: anywhere; }
footer { padding-top: 24px; padding-bottom: 40px; }
@media (max-width: 500px) {
  body { font-size: 15px; }
  header, main, footer { padding-left: 14px; padding-right: 14px; }
  .gallery img { width: 92px; }
  th, td { padding: 4px 7px; }
}
@media print { details:not([open]) > :not(summary) { display: block; } body { font-size: 12px; } }
""" + "".join(
    f"\n.line.c{i}, .bar.c{i}, .bound.c{i} {{ stroke: var(--c{i}); }} .mark.c{i} "
    f"{{ fill: var(--c{i}); }}"
    for i in range(8)
)
