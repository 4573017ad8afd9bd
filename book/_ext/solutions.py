"""Solutions that stay closed until asked for, without JavaScript: ``:class: dropdown`` becomes a details element."""

import html

from sphinx_exercise.nodes import depart_solution_node, solution_node, visit_solution_node


def visit_solution(self, node):
    if "dropdown" not in node["classes"]:
        return visit_solution_node(self, node)
    title = node.pop(0)
    self.body.append(self.starttag(node, "details", CLASS="admonition"))
    self.body.append(f'<summary class="admonition-title">{html.escape(title.astext())}</summary>\n')


def depart_solution(self, node):
    if "dropdown" not in node["classes"]:
        return depart_solution_node(self, node)
    self.body.append("</details>\n")


def setup(app):
    app.setup_extension("sphinx_exercise")
    app.add_node(solution_node, override=True, html=(visit_solution, depart_solution))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
