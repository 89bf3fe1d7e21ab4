"""What staff upload becomes Markdown, or is refused with a reason; by the real process with its limits."""

import asyncio
import io
import os
import sys

import pytest
from docx import Document
from docx.oxml import parse_xml
from docx.oxml.ns import nsmap
from fakes.documents import make_bomb, make_docx, make_pdf

from voxbot.knowledge.documents import split_document
from voxbot.knowledge.uploads.converting import convert_file, kind_of
from voxbot.knowledge.uploads.refusal import UploadError


@pytest.fixture
def convert(tmp_path):
    async def converted(name, data, **options):
        source = tmp_path / "upload"
        source.write_bytes(data)
        return await convert_file(kind_of(name), source, tmp_path / "result.md", title=name, **options)

    return converted


def facts(text):
    """Headings and texts of the chunks that a base of this text would have."""
    return [(chunk.headings, chunk.text.split("\n")[-1]) for chunk in split_document("tech", text)]


async def test_word_headings_lists_and_tables_become_markdown(convert):
    text = await convert(
        "прайс.docx",
        make_docx(
            ("Title", "Каталог"),
            ("Heading 1", "Машины"),
            ("Heading 2", "РЭМ-100"),
            ("Normal", "Нагрузка 100 кН."),
            ("List Bullet", "масса 650 кг"),
            ("Heading 2", "Цены"),
            [["Модель", "Цена"], ["РЭМ-50", "1 200 000"]],
        ),
    )
    assert facts(text) == [
        (("Машины", "РЭМ-100"), "- масса 650 кг"),
        (("Машины", "Цены"), "| РЭМ-50 | 1 200 000 |"),
    ]
    assert "## РЭМ-100" in text


async def test_pdf_lines_larger_or_bolder_than_the_rest_become_headings(convert):
    page = [
        ("Испытательные машины", 20, True), None,
        ("Доставка", 14, True), None,
        ("Доставка по России занимает десять рабочих дней, а в Казах-", 10, False),
        ("стан до трёх недель после оплаты счёта.", 10, False), None,
        ("Гарантия", 10, True), None,
        ("Гарантия на все машины два года со дня поставки.", 10, False),
    ]  # fmt: skip
    text = await convert("каталог.pdf", make_pdf(page))
    assert facts(text) == [
        (
            ("Испытательные машины", "Доставка"),
            "Доставка по России занимает десять рабочих дней, а в Казахстан до трёх недель после оплаты счёта.",
        ),
        (
            ("Испытательные машины", "Доставка", "Гарантия"),
            "Гарантия на все машины два года со дня поставки.",
        ),
    ]


async def test_running_titles_and_page_numbers_of_a_pdf_are_left_out(convert):
    pages = [
        [("ООО Завод", 8, False), None, (f"Сведение номер {name} о машине.", 10, False), None, (f"стр. {i}", 8, False)]
        for i, name in enumerate(("один", "два", "три", "пять"), 1)
    ]
    text = await convert("a.pdf", make_pdf(*pages))
    assert "Завод" not in text
    assert "стр." not in text
    assert text.count("Сведение") == 4


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1251"])
async def test_text_in_any_usual_encoding(convert, encoding):
    text = "1. Доставка\n\nВезём по всей России.\n\n1.1 Сроки\n\nДесять рабочих дней.\n"
    converted = await convert("заметки.TXT", text.encode(encoding))
    assert facts(converted) == [
        (("Доставка",), "Везём по всей России."),
        (("Доставка", "Сроки"), "Десять рабочих дней."),
    ]


async def test_text_without_headings_is_under_the_name_of_its_file(convert):
    assert facts(await convert("доставка.txt", "Везём по всей России.".encode())) == [
        (("доставка.txt",), "Везём по всей России.")
    ]


async def test_markdown_stays_as_it_is(convert):
    assert await convert("x.md", "# Раздел\n\nТекст.\n".encode()) == "# Раздел\n\nТекст.\n"


async def test_text_is_not_taken_for_markup(convert):
    text = await convert(
        "x.docx", make_docx(("Heading 1", "Раздел"), ("Normal", "# не заголовок"), ("Normal", "1) раз"))
    )
    assert [chunk.headings for chunk in split_document("tech", text)] == [("Раздел",)]


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.md", b"", "empty"),
        ("a.md", "цены".encode("cp1251"), "undecodable"),
        ("a.md", b"a\0b", "undecodable"),
        ("a.txt", b"\xff\xfe\xd8", "undecodable"),
        ("a.txt", bytes(range(256)), "undecodable"),
        ("a.txt", b"\x81\x8d\x98\xff caf\xe9", "undecodable"),
        ("a.docx", b"PK\x03\x04 not a package", "damaged"),
        ("a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "encrypted"),
        ("a.docx", make_bomb(), "bomb"),
        ("a.pdf", b"%PDF-1.7 and no more", "damaged"),
        ("a.pdf", b"hello", "damaged"),
        ("a.pdf", make_pdf([("secret", 10, False)], encrypted=True), "encrypted"),
        ("a.pdf", make_pdf([]), "no_text"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_file_that_cannot_be_used_is_refused_with_a_reason(convert, name, data, reason):
    with pytest.raises(UploadError) as refused:
        await convert(name, data)
    assert refused.value.reason == reason
    assert str(refused.value).endswith(".")


@pytest.mark.parametrize("name", ["a.exe", "README", "a.doc", ".hidden", "a.pdf.zip"])
def test_other_kinds_are_refused(name):
    with pytest.raises(UploadError, match=r"\.docx"):
        kind_of(name)


async def test_a_file_that_takes_too_long_is_given_up(convert):
    with pytest.raises(UploadError, match="времени или памяти"):
        await convert("a.pdf", make_pdf([("text", 10, False)]), wall_s=0.01)


def _body(xml):
    """A Word document whose body is this XML after one plain paragraph."""
    opened = Document()
    opened.add_paragraph("Цена указана ниже.")
    names = "".join(f' xmlns:{key}="{uri}"' for key, uri in nsmap.items() if key in ("w", "wp", "a"))
    for element in parse_xml(f"<w:body{names}>{xml}</w:body>"):
        opened.element.body.insert(len(opened.element.body) - 1, element)
    written = io.BytesIO()
    opened.save(written)
    return written.getvalue()


def _run(text):
    return f"<w:r><w:t>{text}</w:t></w:r>"


@pytest.mark.parametrize(
    ("xml", "wanted", "unwanted"),
    [
        (
            f"<w:p><w:del><w:r><w:delText>5</w:delText></w:r></w:del><w:ins>{_run('7 рублей')}</w:ins></w:p>",
            "7 рублей",
            "5",
        ),
        (f"<w:sdt><w:sdtContent><w:p>{_run('в поле')}</w:p></w:sdtContent></w:sdt>", "в поле", None),
        (f"<w:p><w:sdt><w:sdtContent>{_run('в строке')}</w:sdtContent></w:sdt></w:p>", "в строке", None),
        (
            f"<w:p><w:r><w:pict><w:txbxContent><w:p>{_run('в надписи')}</w:p></w:txbxContent></w:pict></w:r></w:p>",
            "в надписи",
            None,
        ),
        (
            (
                "<w:tbl><w:tr><w:tc><w:tcPr><w:gridSpan w:val='90000000'/></w:tcPr>"
                f"<w:p>{_run('Шапка')}</w:p></w:tc></w:tr></w:tbl>"
            ),
            "Шапка",
            "Шапка | Шапка",
        ),
    ],
)
async def test_no_text_of_a_word_document_is_lost(tmp_path, xml, wanted, unwanted):
    source = tmp_path / "source.docx"
    source.write_bytes(_body(xml))
    text = await convert_file("docx", source, tmp_path / "result.md", title="Цены")
    assert text.count(wanted) == 1
    assert not unwanted or unwanted not in text


async def test_the_process_that_converts_leaves_the_processor_to_calls(tmp_path):
    """It is looked at while it waits for its file, which nobody has written yet."""
    pipe = tmp_path / "slow.md"
    os.mkfifo(pipe)
    arguments = ("-m", "voxbot.knowledge.uploads.worker", "md", str(pipe), str(tmp_path / "result.md"), "slow")
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments)
    with await asyncio.to_thread(pipe.open, "wb") as writing:  # it has opened its end
        niceness = os.getpriority(os.PRIO_PROCESS, process.pid)
        writing.write("# А\nТекст.\n".encode())
    assert await process.wait() == 0
    assert niceness == 19
