/// The page's style sheet. Text has a contrast of 4.5 to 1 at least, lines and marks 3 to 1.
enum PageStyle {
    static let text = """

        :root { --paper: #ffffff; --ink: #1b1f24; --soft: #57606a; --rule: #d0d7de; --grid: #e6e9ed;
          --c0: #1f6feb; --c1: #bc4c00; --c2: #1a7f37; --c3: #8250df; --c4: #bf3989; --c5: #0f766e;
          --c6: #9a6700; --c7: #57606a; --heat: 31,111,235; --wrong: 188,76,0; }
        @media (prefers-color-scheme: dark) { :root { --paper: #0d1117; --ink: #e6edf3; --soft: #9da7b3;
          --rule: #3d444d; --grid: #252c35; --c0: #6cb0ff; --c1: #f0883e; --c2: #4cc764; --c3: #c297ff;
          --c4: #ff8ac4; --c5: #3fcabd; --c6: #dba82b; --c7: #9da7b3; --heat: 88,166,255;
          --wrong: 240,136,62; } }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--paper); color: var(--ink);
          font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
        main { max-width: 1040px; margin: 0 auto; padding: 24px 20px 64px; }
        h1 { font-size: 28px; line-height: 1.2; margin: 0 0 8px; }
        h2 { font-size: 20px; margin: 40px 0 8px; border-bottom: 1px solid var(--rule); padding-bottom: 4px; }
        h3 { font-size: 16px; margin: 24px 0 4px; }
        header p { margin: 4px 0; color: var(--soft); }
        header p.verdict { font-size: 20px; color: var(--ink); }
        .scroll { overflow-x: auto; margin: 16px 0; }
        .scroll:focus-visible { outline: 2px solid var(--c0); }
        table { border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums; }
        caption { text-align: left; font-weight: 600; padding: 4px 0; }
        th, td { padding: 4px 14px 4px 0; text-align: left; vertical-align: top;
          border-bottom: 1px solid var(--grid); font-weight: 400; }
        thead th { border-bottom: 1px solid var(--soft); font-weight: 600; }
        tbody th { white-space: pre; }
        th.number, td.number { text-align: right; padding: 4px 0 4px 18px; white-space: nowrap; }
        th.number:first-child { padding: 4px 14px 4px 0; }
        td:not(:last-child) { white-space: nowrap; }
        td.shade { padding: 6px 12px; }
        td.right { background: rgba(var(--heat), var(--share)); }
        td.wrong { background: rgba(var(--wrong), var(--share)); }
        .figures { display: flex; flex-wrap: wrap; gap: 12px 28px; }
        figure { margin: 12px 0; max-width: 100%; overflow-x: auto; }
        figcaption { font-weight: 600; font-size: 14px; }
        svg { display: block; width: 100%; height: auto; font-size: 12px; }
        svg text { fill: var(--ink); }
        svg .tick, svg .name { fill: var(--soft); }
        svg .strong { font-weight: 700; }
        .grid { stroke: var(--grid); }
        .axis { stroke: var(--soft); }
        .diagonal, .span { stroke: var(--soft); stroke-dasharray: 3 4; }
        .front { fill: none; stroke: var(--soft); stroke-dasharray: 6 4; }
        .curve { fill: none; stroke: var(--c); stroke-width: 1.8; stroke-linejoin: round; }
        .whisker { stroke: var(--c); stroke-width: 2; }
        .dot { fill: var(--c); stroke: var(--paper); stroke-width: 1.2; }
        .bubble { fill: var(--c); fill-opacity: 0.55; stroke: var(--c); stroke-width: 1.5; }
        .cell { fill: rgb(var(--heat)); }
        .mapped { stroke: var(--ink); stroke-width: 1.5; }
        .c0 { --c: var(--c0); } .c1 { --c: var(--c1); } .c2 { --c: var(--c2); } .c3 { --c: var(--c3); }
        .c4 { --c: var(--c4); } .c5 { --c: var(--c5); } .c6 { --c: var(--c6); } .c7 { --c: var(--c7); }
        .legend { list-style: none; padding: 0; margin: 8px 0; display: flex; flex-wrap: wrap; gap: 4px 20px; }
        .swatch { display: inline-block; width: 12px; height: 12px; border-radius: 6px; margin-right: 6px;
          background: var(--c); }
        pre { font-size: 13px; background: var(--grid); padding: 10px 12px; border-radius: 6px;
          white-space: pre-wrap; overflow-wrap: anywhere; }
        dl { font-size: 14px; display: grid; grid-template-columns: max-content 1fr; gap: 2px 16px; }
        dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
        @media (max-width: 640px) { main { padding: 16px 12px 48px; } h1 { font-size: 24px; }
          tbody th { white-space: normal; min-width: 9em; }
          dl { grid-template-columns: 1fr; } dd { margin-bottom: 6px; } }
        @media print { :root { --paper: #ffffff; --ink: #000000; --soft: #444444; --rule: #999999;
            --grid: #dddddd; --c0: #1f6feb; --c1: #bc4c00; --c2: #1a7f37; --c3: #8250df; --c4: #bf3989;
            --c5: #0f766e; --c6: #9a6700; --c7: #57606a; --heat: 31,111,235; --wrong: 188,76,0; }
          body { font-size: 11pt; } main { max-width: none; padding: 0; } .scroll { overflow: visible; }
          table { font-size: 8.5pt; } tr, figure { break-inside: avoid; } h2, h3 { break-after: avoid; }
          * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }

        """
}
