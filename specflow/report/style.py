"""The style sheet of the page: light and dark, wide and narrow, and on paper."""

from __future__ import annotations

__all__ = ["STYLE"]

_LIGHT = """
--page:#fff;--face:#fff;--soft:#f6f8fa;--line:#d1d9e0;--text:#1f2328;--dim:#59636e;--link:#0969da;--bar:#4f8fd9;
--good:#1a7f37;--cached:#1b7c83;--bad:#cf222e;--skip:#6e7781;--stop:#bc4c00;--run:#0969da;
"""
_DARK = """
--page:#0d1117;--face:#151b23;--soft:#151b23;--line:#3d444d;--text:#f0f6fc;--dim:#9fa8b2;--link:#58a6ff;--bar:#4a86cc;
--good:#3fb950;--cached:#39c5cf;--bad:#f85149;--skip:#8b949e;--stop:#db6d28;--run:#58a6ff;
"""
_COLOURS = {
    "succeeded": "--good",
    "cached": "--cached",
    "failed": "--bad",
    "skipped": "--skip",
    "cancelled": "--stop",
    "interrupted": "--stop",
    "running": "--run",
    "waiting": "--skip",
}

_RULES = """
*{box-sizing:border-box}
html{background:var(--page);color:var(--text);-webkit-text-size-adjust:100%;scroll-behavior:smooth}
body{margin:0 auto;max-width:1180px;padding:32px 24px 48px;overflow-wrap:anywhere;
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,"DejaVu Sans",sans-serif}
code,pre{font:12.5px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
h1{font-size:28px;line-height:1.25;margin:0 0 4px;letter-spacing:-.01em}
h2{font-size:19px;margin:44px 0 14px;padding-bottom:6px;border-bottom:1px solid var(--line);scroll-margin-top:8px}
h3{font-size:15px;margin:0 0 6px}
h3 span:not(.state,.state span){color:var(--dim);font-weight:400;font-size:13px;margin-left:4px}
p{margin:0 0 8px}
a{color:var(--link);text-decoration:none}
a:hover{text-decoration:underline}
.kind{color:var(--dim);font-size:12px;letter-spacing:.06em;text-transform:uppercase}
.lead{color:var(--dim);font-size:16px}
.note,.path{color:var(--dim);font-size:12.5px;margin:6px 0 0}
.gone{color:var(--stop);font-size:13px;margin:6px 0 0}
.reason{color:var(--bad)}
.state{--is:var(--skip);color:var(--is);font-weight:600;white-space:nowrap}
h1 .state{font-size:15px;vertical-align:5px;border:1.5px solid var(--is);border-radius:20px;padding:2px 12px;
margin-left:8px}
dl{display:flex;flex-wrap:wrap;gap:12px 36px;margin:18px 0 14px}
dt{color:var(--dim);font-size:12px}
dd{margin:0;font-weight:600;font-variant-numeric:tabular-nums}
ul.tally,ul.chips{display:flex;flex-wrap:wrap;gap:6px;list-style:none;margin:0;padding:0;font-size:13px}
.tally li,.chips li{border:1px solid var(--line);border-radius:20px;padding:1px 10px;background:var(--soft)}
nav{display:flex;flex-wrap:wrap;gap:4px 18px;margin-top:22px;font-size:14px}
.scroll{overflow-x:auto;border:1px solid var(--line);border-radius:8px;background:var(--face);max-width:100%}
.graph{background:var(--page)}
.graph>div{margin:0 auto}
.graph svg{display:block;width:100%;height:auto}
table{border-collapse:collapse;width:100%;font-size:13.5px;overflow-wrap:normal}
th,td{padding:7px 12px;text-align:left;vertical-align:top;border-top:1px solid var(--line)}
thead tr th,tbody:first-child tr:first-child>*{border-top:0}
thead th{background:var(--soft);color:var(--dim);font-weight:600;font-size:12.5px;white-space:nowrap}
tbody th{font-weight:600;white-space:nowrap}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
table.data{font-size:12.5px}
table.data td{white-space:nowrap;padding:4px 12px}
table.data th{padding:5px 12px}
.environments th{width:30%}
.why{min-width:240px;color:var(--dim)}
.why ul{margin:2px 0;padding-left:18px}
.why code{color:var(--text)}
.why li{overflow-wrap:anywhere}
details summary{cursor:pointer;color:var(--link);font-size:13px}
pre{margin:6px 0 0;padding:10px 12px;background:var(--soft);border:1px solid var(--line);border-radius:6px;
overflow-x:auto;max-height:440px;white-space:pre;overflow-wrap:normal}
#failed article{border:1px solid var(--line);border-left:4px solid var(--is,var(--bad));border-radius:8px;
padding:14px 16px;margin-bottom:14px}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(220px,1fr));gap:14px}
.card{border:1px solid var(--line);border-radius:8px;padding:14px 16px;min-width:0;background:var(--face)}
.card.wide{grid-column:1/-1}
.card .scroll,.card pre{margin-top:8px}
.card .scroll{border-radius:6px}
.card img{display:block;max-width:100%;height:auto;margin-top:10px;border-radius:4px;background:#fff}
.value-text{font-size:20px;font-weight:600;font-variant-numeric:tabular-nums;margin:0;white-space:pre-wrap}
.time{border:1px solid var(--line);border-radius:8px;background:var(--face);padding:4px 16px 10px}
.lane{padding:10px 0 6px}
.lane+.lane{border-top:1px solid var(--line)}
.lane-name{color:var(--dim);font-size:12.5px;margin:0 0 6px}
.lane-name strong{color:var(--text)}
.rows{display:grid;grid-template-columns:minmax(80px,230px) 1fr;gap:3px 14px;align-items:center}
.packed .rows{grid-template-columns:1fr;gap:1px}
.name{font-size:13px;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
.track{position:relative;height:20px;background:var(--soft);border-radius:4px}
.packed .track{height:9px;border-radius:2px}
.packed .track span{display:none}
.bar,.tick{position:absolute;top:0;bottom:0;background:var(--is);border-radius:4px;min-width:3px}
.packed .bar,.packed .tick{border-radius:1px;min-width:1px}
.tick{width:3px!important;border-radius:1px}
.again{background-image:repeating-linear-gradient(135deg,transparent 0 7px,rgba(255,255,255,.35) 7px 10px)}
.bar span,.tick span{position:absolute;font-size:12px;line-height:20px;white-space:nowrap;color:var(--dim);
font-variant-numeric:tabular-nums}
.after{left:calc(100% + 7px)}
.before{right:calc(100% + 7px)}
.bar .inside{right:8px;color:#fff;text-shadow:0 0 3px #000,0 0 2px #000}
.axis{display:grid;grid-template-columns:minmax(80px,230px) 1fr;gap:14px;font-size:11.5px;color:var(--dim)}
.packed .axis{grid-template-columns:1fr}
.axis .track{grid-column:2;background:none;border-top:1px solid var(--line);border-radius:0;height:20px}
.packed .axis .track{grid-column:1;height:20px}
.axis .track span{display:block;position:absolute;padding:2px 0 0 4px;border-left:1px solid var(--line);
white-space:nowrap;font-variant-numeric:tabular-nums}
.axis .track .end{border-left:0;border-right:1px solid var(--line);padding:2px 4px 0 0;transform:translateX(-100%)}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(300px,1fr));gap:14px;margin:14px 0 24px}
#metrics>.scroll+.scroll{margin-top:14px}
figure{margin:0;border:1px solid var(--line);border-radius:8px;padding:12px 16px;background:var(--face);min-width:0}
figcaption{font-weight:600;font-size:14px;margin-bottom:8px}
.row{display:grid;grid-template-columns:1fr auto;gap:1px 10px;align-items:center;font-size:12.5px}
.row+.row{margin-top:7px}
.row .name{font-size:12.5px}
.row .track{grid-row:2;grid-column:1/-1}
.row .track{height:9px;border-radius:3px}
.value{position:absolute;top:0;bottom:0;background:var(--bar);border-radius:3px}
.below{opacity:.65}
.zero{position:absolute;top:-2px;bottom:-2px;width:1px;background:var(--text)}
footer{margin-top:48px;color:var(--dim);font-size:12.5px}
@media (max-width:640px){
body{padding:20px 14px 36px;font-size:14.5px}
h1{font-size:22px}
h1 .state{margin-left:0}
h2{margin-top:34px}
tbody th{white-space:normal;min-width:118px}
th,td{padding:7px 9px}
.value-text{font-size:16px}
dl{gap:10px 24px}
.rows,.axis{grid-template-columns:1fr;gap:1px}
.rows .track{margin-bottom:5px}
.packed .rows .track{margin-bottom:0}
.axis .track{grid-column:1}
.charts{grid-template-columns:1fr}
.card,figure,#failed article{padding:12px}
.cards{grid-template-columns:repeat(auto-fill,minmax(140px,1fr))}
}
@media print{
body{max-width:none;padding:0;font-size:11pt}
nav{display:none}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}
article,figure,.lane,tr{break-inside:avoid}
h2{break-after:avoid}
.scroll,pre{overflow:visible;max-height:none}
pre{white-space:pre-wrap;overflow-wrap:anywhere}
.graph>div{min-width:0!important}
}
"""

STYLE = (
    f":root{{color-scheme:light dark;{_LIGHT}}}\n"
    f"@media (prefers-color-scheme:dark){{:root{{{_DARK}}}}}\n"
    f"{_RULES}" + "".join(f".is-{state}{{--is:var({colour})}}\n" for state, colour in _COLOURS.items())
)
