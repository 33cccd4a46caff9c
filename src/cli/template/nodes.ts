/** The parsed form of a template. Types, and the text of a node as error messages show it. */

export type Operand =
  | { type: 'dot'; pos: number }
  | { type: 'nil'; pos: number }
  | { type: 'bool'; pos: number; value: boolean }
  | { type: 'number'; pos: number; value: number | bigint; text: string }
  | { type: 'string'; pos: number; value: string; text: string }
  /** '.A.B' */
  | { type: 'field'; pos: number; names: string[] }
  /** '$x.A': the names after the variable's. */
  | { type: 'variable'; pos: number; name: string; names: string[] }
  /** '(…).A' */
  | { type: 'chain'; pos: number; node: Operand; names: string[] }
  | { type: 'function'; pos: number; name: string }
  | Pipe;

export interface Cmd {
  type: 'command';
  pos: number;
  /** At least one. */
  args: [Operand, ...Operand[]];
}

export interface Pipe {
  type: 'pipe';
  pos: number;
  /** Names with '$', in the order written. */
  variables: string[];
  /** `$x = …` instead of `$x := …` */
  assign: boolean;
  commands: Cmd[];
}

export interface Branch {
  type: 'if' | 'range' | 'with';
  pos: number;
  pipe: Pipe;
  body: Node[];
  otherwise: Node[];
}

export type Node =
  | { type: 'text'; pos: number; text: string }
  | { type: 'action'; pos: number; pipe: Pipe }
  | Branch
  | { type: 'break' | 'continue'; pos: number }
  | { type: 'template'; pos: number; name: string; pipe: Pipe | undefined };

const dotted = (names: readonly string[]): string => names.map((name) => `.${name}`).join('');

export function nodeText(node: Operand | Cmd): string {
  switch (node.type) {
    case 'dot':
      return '.';
    case 'nil':
      return 'nil';
    case 'bool':
      return String(node.value);
    case 'number':
    case 'string':
      return node.text;
    case 'field':
      return dotted(node.names);
    case 'variable':
      return node.name + dotted(node.names);
    case 'chain':
      return (node.node.type === 'pipe' ? `(${nodeText(node.node)})` : nodeText(node.node)) + dotted(node.names);
    case 'function':
      return node.name;
    case 'command':
      return node.args.map((arg) => (arg.type === 'pipe' ? `(${nodeText(arg)})` : nodeText(arg))).join(' ');
    case 'pipe': {
      const declared = node.variables.length > 0 ? `${node.variables.join(', ')} ${node.assign ? '=' : ':='} ` : '';
      return declared + node.commands.map(nodeText).join(' | ');
    }
  }
}
