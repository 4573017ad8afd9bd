// The editor of a live cell: CodeMirror with what a cell of Python needs. Bundled into ../codemirror.js.
import { closeBrackets, closeBracketsKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { pythonLanguage } from "@codemirror/lang-python";
import { bracketMatching, indentOnInput, indentUnit, LanguageSupport, syntaxHighlighting } from "@codemirror/language";
import { EditorState, StateEffect, StateField } from "@codemirror/state";
import { Decoration, drawSelection, EditorView, keymap } from "@codemirror/view";
import { classHighlighter } from "@lezer/highlight";

const fault = StateEffect.define();
const faultyLine = StateField.define({
  create: () => Decoration.none,
  update(marks, transaction) {
    for (const effect of transaction.effects) {
      if (effect.is(fault)) {
        const { doc } = transaction.state;
        return effect.value >= 1 && effect.value <= doc.lines
          ? Decoration.set([Decoration.line({ class: "cm-fault" }).range(doc.line(effect.value).from)])
          : Decoration.none;
      }
    }
    return transaction.docChanged ? Decoration.none : marks;
  },
  provide: (field) => EditorView.decorations.from(field),
});

// Make an editor in `parent`. `label` is read aloud; `run` is called at Shift+Enter, `change` with each new text.
window.makeEditor = ({ parent, text, label, run, change }) => {
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: text,
      extensions: [
        keymap.of([{ key: "Shift-Enter", run: () => (run(), true) }]),
        history(),
        drawSelection(),
        EditorView.lineWrapping, // a phone is narrow, and a box that scrolls is hard to reach by keyboard
        indentUnit.of("    "),
        indentOnInput(),
        bracketMatching(),
        closeBrackets(),
        new LanguageSupport(pythonLanguage),
        syntaxHighlighting(classHighlighter),
        faultyLine,
        keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, indentWithTab]),
        EditorView.contentAttributes.of({ "aria-label": label }),
        EditorView.updateListener.of((update) => update.docChanged && change(update.state.doc.toString())),
      ],
    }),
  });
  return {
    get text() { return view.state.doc.toString(); },
    set text(text) { view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } }); },
    mark: (line) => view.dispatch({ effects: fault.of(line) }),
    focus: () => view.focus(),
  };
};
