/** Text with tabs → aligned columns, by the rules of Go's text/tabwriter. Pure. */

export interface TableOptions {
  /** Characters that a column has at least, padding included. */
  minWidth?: number;
  /** Blanks after the longest cell. */
  padding?: number;
}

/** The rules of docker's lists. */
const LIST: Required<TableOptions> = { minWidth: 10, padding: 3 };

const lengthOf = (text: string): number => {
  let length = 0;
  for (const _ of text) length += 1;
  return length;
};

/**
 * A cell ends with a tab; what follows the last tab of a line belongs to no column. A column is made of the cells below
 * each other in lines that follow one another, and is as wide as the widest of them.
 */
export function alignColumns(text: string, options: TableOptions = {}): string {
  const { minWidth, padding } = { ...LIST, ...options };
  const lines = text.split('\n').map((line) => line.split('\t'));
  const widths = lines.map((cells) => cells.map(() => 0));
  const columns = lines.reduce((most, cells) => Math.max(most, cells.length - 1), 0);
  for (let column = 0; column < columns; column++) {
    let start = 0;
    while (start < lines.length) {
      let width = minWidth;
      let end = start;
      for (; (lines[end]?.length ?? 0) - 1 > column; end++) {
        width = Math.max(width, lengthOf(lines[end]?.[column] ?? '') + padding);
      }
      for (let row = start; row < end; row++) (widths[row] ?? [])[column] = width;
      start = Math.max(end, start + 1);
    }
  }
  return lines
    .map((cells, row) =>
      cells
        .map((cell, column) =>
          column === cells.length - 1 ? cell : cell + ' '.repeat((widths[row]?.[column] ?? 0) - lengthOf(cell)),
        )
        .join(''),
    )
    .join('\n');
}
