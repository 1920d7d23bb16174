"""What of PDF/UA-1 (ISO 14289-1) a program can check in a report, by the numbers of the Matterhorn Protocol 1.1.

pdf-ua.py FILE ...: prints one line for each failure and "checked" with what was looked at, an empty line between two files;
status 1 when something fails. It reads the files with qpdf, and shares no code with what wrote them. What only a person can
judge (does the alternative text say what the figure shows, is the order of reading the right one) it does not judge.
"""
import sys
from collections import Counter

import pikepdf

STANDARD = set(
    "Document Part Art Sect Div BlockQuote Caption TOC TOCI Index NonStruct Private P H H1 H2 H3 H4 H5 H6 L LI Lbl LBody "
    "Table TR TH TD THead TBody TFoot Span Quote Note Reference BibEntry Code Link Annot Ruby RB RT RP Warichu WT WP Figure "
    "Formula Form".split()
)
PARENTS = {
    "TR": {"Table", "THead", "TBody", "TFoot"},
    "TH": {"TR"},
    "TD": {"TR"},
    "THead": {"Table"},
    "TBody": {"Table"},
    "TFoot": {"Table"},
    "LI": {"L"},
    "Lbl": {"LI", "Note", "Reference", "BibEntry"},
    "LBody": {"LI"},
    "TOCI": {"TOC"},
}
SHOWS = {"Tj", "TJ", "'", '"', "S", "s", "f", "F", "f*", "B", "B*", "b", "b*", "sh", "Do", "INLINE IMAGE"}

failures = []


def fail(point, text):
    failures.append(f"{point} {text}")


def name(value):
    return str(value).lstrip("/")


def walk(element, parent, kinds, reached, headings, seen):
    """Visits a structure element and all below it."""
    kind = name(element.get("/S", ""))
    if element.objgen in seen:
        fail("09-001", f"an element of kind {kind} is its own ancestor or stands twice")
        return
    seen.add(element.objgen)
    kinds[kind] += 1
    if kind not in STANDARD:
        fail("02-001", f"{kind} is no standard type and is mapped to none")
    if kind in PARENTS and name(parent.get("/S", "")) not in PARENTS[kind]:
        fail("09-004", f"{kind} stands in {name(parent.get('/S', 'nothing'))}")
    if "/P" not in element or element.P.objgen != parent.objgen:
        fail("09-001", f"the parent of a {kind} is another one than says that it has it")
    if kind == "Figure" and not str(element.get("/Alt", element.get("/ActualText", ""))).strip():
        fail("13-004", "a figure has no alternative text")
    if kind == "TH":
        attributes = element.get("/A", [])
        attributes = list(attributes) if isinstance(attributes, pikepdf.Array) else [attributes]
        if not any("/Scope" in one for one in attributes):
            fail("15-003", "a head of a table has no scope")
    if kind[:1] == "H" and kind[1:].isdigit():
        headings.append(int(kind[1:]))
    children = element.get("/K", pikepdf.Array([]))
    count = 0
    for child in children if isinstance(children, pikepdf.Array) else [children]:
        count += 1
        if isinstance(child, (int, pikepdf.Object)) and not isinstance(child, pikepdf.Dictionary):
            reached[(element.Pg.objgen, int(child))] += 1
        elif name(child.get("/Type", "")) == "MCR":
            page = child.get("/Pg", element.get("/Pg"))
            reached[(page.objgen, int(child.MCID))] += 1
        elif name(child.get("/Type", "")) == "OBJR":
            reached[child.Obj.objgen] += 1
        else:
            walk(child, element, kinds, reached, headings, seen)
    if kind in ("Table", "TR", "L", "LI") and count == 0:
        fail("09-004", f"an empty {kind}")


def look_at_content(page, number):
    """The marked contents of a page; everything that shows has to be in one, or in an artifact."""
    found, open_marks, outside = Counter(), [], 0
    for instruction in pikepdf.parse_content_stream(page):
        operator = str(instruction.operator)
        if operator in ("BDC", "BMC"):
            tag = name(instruction.operands[0])
            mcid = None
            if operator == "BDC":
                properties = instruction.operands[1]
                if isinstance(properties, pikepdf.Name):
                    properties = page.Resources.Properties[properties]
                mcid = properties.get("/MCID")
            if mcid is not None:
                found[int(mcid)] += 1
                if any(mark == "Artifact" for mark, _ in open_marks):
                    fail("01-003", f"page {number}: tagged content in an artifact")
            elif tag == "Artifact" and any(one is not None for _, one in open_marks):
                fail("01-004", f"page {number}: an artifact in tagged content")
            open_marks.append((tag, mcid))
        elif operator == "EMC":
            open_marks.pop()
        elif operator in SHOWS:
            if not any(mark == "Artifact" or mcid is not None for mark, mcid in open_marks):
                outside += 1
    if outside > 0:
        fail("01-005", f"page {number}: {outside} marks are neither tagged nor an artifact")
    if open_marks:
        fail("01-005", f"page {number}: marked content does not end")
    for mcid, count in found.items():
        if count > 1:
            fail("01-005", f"page {number}: the number {mcid} marks two contents")
    return found


def look_at_fonts(page, fonts):
    for _, font in page.get("/Resources", {}).get("/Font", {}).items():
        if font.objgen in fonts:
            continue
        base = name(font.get("/BaseFont", "?"))
        fonts[font.objgen] = base
        inner = font.DescendantFonts[0] if name(font.Subtype) == "Type0" else font
        descriptor = inner.get("/FontDescriptor", {})
        if not any(key in descriptor for key in ("/FontFile", "/FontFile2", "/FontFile3")):
            fail("31-009", f"the font {base} is not embedded")
        if "/ToUnicode" not in font:
            fail("10-001", f"the font {base} does not say which letters its glyphs are")
        if name(font.Subtype) == "Type0" and name(inner.Subtype) == "CIDFontType2" and "/CIDToGIDMap" not in inner:
            fail("31-005", f"the font {base} has no CIDToGIDMap")


def numbers_of(tree):
    """A number tree as pairs."""
    if "/Nums" in tree:
        entries = list(tree.Nums)
        yield from zip(map(int, entries[0::2]), entries[1::2])
    for kid in tree.get("/Kids", []):
        yield from numbers_of(kid)


def check(path):
    failures.clear()
    pdf = pikepdf.open(path)
    root = pdf.Root
    if pdf.is_encrypted:
        fail("26-001", "the file is encrypted")
    if not bool(root.get("/MarkInfo", {}).get("/Marked", False)):
        fail("06-001", "the file does not say that it is tagged")
    if bool(root.get("/MarkInfo", {}).get("/Suspects", False)):
        fail("04-001", "tags are suspect")
    if not str(root.get("/Lang", "")).strip():
        fail("11-006", "the language of the document is not told")
    if not bool(root.get("/ViewerPreferences", {}).get("/DisplayDocTitle", False)):
        fail("07-002", "the window does not show the title of the document")
    if "/Metadata" not in root:
        fail("06-001", "there is no metadata")
    else:
        with pdf.open_metadata() as metadata:
            if str(metadata.get("pdfuaid:part", "")) != "1":
                fail("06-002", "the metadata does not say PDF/UA-1")
            if not str(metadata.get("dc:title", "")).strip():
                fail("06-003", "the metadata has no title")
    if "/OpenAction" in root or "/AA" in root or "/JavaScript" in root.get("/Names", {}):
        fail("29-001", "the file acts by itself")
    kinds, reached, headings, fonts = Counter(), Counter(), [], {}
    tree = root.get("/StructTreeRoot")
    if tree is None:
        fail("01-005", "there is no structure")
        tree = pikepdf.Dictionary()
    for role, standard in tree.get("/RoleMap", {}).items():
        if name(standard) not in STANDARD:
            fail("02-001", f"{name(role)} is mapped to {name(standard)}, which is no standard type")
    top = tree.get("/K", pikepdf.Array([]))
    for element in top if isinstance(top, pikepdf.Array) else [top]:
        walk(element, tree, kinds, reached, headings, set())
    if headings and headings[0] != 1:
        fail("14-002", f"the first heading is H{headings[0]}")
    for before, level in zip(headings, headings[1:]):
        if level > before + 1:
            fail("14-003", f"H{level} follows H{before}")
    parents = dict(numbers_of(tree.get("/ParentTree", pikepdf.Dictionary())))
    marked = set()
    for number, page in enumerate(pdf.pages, 1):
        found = look_at_content(page.obj, number)
        look_at_fonts(page.obj, fonts)
        marked |= {(page.obj.objgen, mcid) for mcid in found}
        if found:
            entries = parents.get(int(page.obj.get("/StructParents", -1)))
            if entries is None:
                fail("01-005", f"page {number}: its contents lead to no element")
            for mcid in found:
                if entries is not None and (mcid >= len(entries) or not isinstance(entries[mcid], pikepdf.Dictionary)):
                    fail("01-005", f"page {number}: the content {mcid} leads to no element")
        for annotation in page.obj.get("/Annots", []):
            if "/StructParent" not in annotation:
                fail("28-002", f"page {number}: an annotation is not tagged")
            if name(annotation.get("/Subtype", "")) == "Link" and not str(annotation.get("/Contents", "")):
                fail("28-012", f"page {number}: a link has no description")
            if name(page.obj.get("/Tabs", "")) != "S":
                fail("28-008", f"page {number}: tabs do not follow the structure")
    for place in marked - set(reached):
        fail("01-005", f"the content {place[1]} of object {place[0][0]} is in no element")
    for place, count in reached.items():
        if isinstance(place[0], tuple) and place not in marked:
            fail("09-001", f"an element has the content {place[1]} of object {place[0][0]}, which is not there")
        if count > 1:
            fail("09-001", f"a content stands in two elements: {place}")
    for line in failures[:50]:
        print(line)
    print(f"checked {len(pdf.pages)} pages, {sum(kinds.values())} elements, {len(marked)} contents, {len(fonts)} fonts:", end=" ")
    print(", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())))
    print()
    return not failures


sys.exit(0 if all([check(path) for path in sys.argv[1:]]) else 1)
