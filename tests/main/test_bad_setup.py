"""What an operator sees when something is wrong: one clear line, status 2, never a traceback. Real processes."""

import asyncio
import os
import socket
import sys

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from phone import make_workspace


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """Small knowledge bases, built, and local models fetched."""
    folder = make_workspace(tmp_path_factory.mktemp("operator"))
    (folder / "kb/general.md").write_text("# Адрес\n\nНаш адрес: город Владимир, улица Испытателей, дом 14.\n")
    (folder / "kb/tech.md").write_text("# Машина РЭМ-50\n\nМасса машины РЭМ-50 — 700 кг.\n")
    for command in (("kb", "build"), ("models", "fetch")):
        status, _, errors = asyncio.run(voxbot(folder, *command))
        assert status == 0, errors
    return folder


async def voxbot(folder, *arguments, **environ):
    """Run a command to its end; (status, stdout, stderr)."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "voxbot", *arguments, cwd=folder, env={**os.environ, **environ},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(60):
            out, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, out.decode(), errors.decode()


def assert_one_clear_line(result, *parts):
    status, out, errors = result
    complaints = [line for line in errors.splitlines() if line.startswith("voxbot: ")]
    assert status == 2, errors
    assert len(complaints) == 1, errors
    assert "Traceback" not in errors
    assert "Traceback" not in out
    for part in parts:
        assert part in complaints[0], complaints[0]


async def test_a_wrong_variable(workspace):
    assert_one_clear_line(await voxbot(workspace, "bot", KB_TOP_K="many"), "KB_TOP_K", "many", "20")


async def test_broken_slips(workspace, tmp_path):
    path = tmp_path / "slips.toml"
    path.write_text("[anywhere", encoding="utf-8")
    for command in (("normalize", "сто ка эн"), ("ask", "адрес"), ("bot",)):
        result = await voxbot(workspace, *command, ASR_SLIPS_FILE_PATH=str(path))
        assert_one_clear_line(result, "ASR_SLIPS_FILE_PATH", "slips.toml", "TOML")


async def test_own_slips(workspace, tmp_path):
    path = tmp_path / "slips.toml"
    path.write_text('[anywhere]\n"КТВ" = ["ка тэ вэ"]\n', encoding="utf-8")
    status, out, _ = await voxbot(workspace, "normalize", "прайс на ка-тэ-вэ", ASR_SLIPS_FILE_PATH=str(path))
    assert (status, out) == (0, "прайс на КТВ\n")


async def test_a_missing_variable(workspace):
    result = await voxbot(workspace, "ask", "адрес", LLM_PROVIDER="openai")
    assert_one_clear_line(result, "OPENAI_API_KEY")


async def test_a_missing_env_file(workspace):
    assert_one_clear_line(await voxbot(workspace, "--env", "nowhere.env", "bot"), "nowhere.env")


@pytest.mark.parametrize("content", [b"", b"\n\n<<->>\n", b"\xff\xfe\x00\xd8\xff", "Адрес".encode("cp1251")])
async def test_a_knowledge_base_that_cannot_be_read(workspace, tmp_path, content):
    broken = tmp_path / "broken.md"
    broken.write_bytes(content)
    result = await voxbot(
        workspace, "kb", "build", KNOWLEDGE_BASE_PATH=str(broken), PERSIST_DIRECTORY=str(tmp_path / "index")
    )
    assert_one_clear_line(result, "broken.md")


async def test_a_missing_knowledge_base(workspace, tmp_path):
    result = await voxbot(workspace, "kb", "build", KNOWLEDGE_BASE2_PATH="kb/none.md", PERSIST_DIRECTORY=str(tmp_path))
    assert_one_clear_line(result, "kb/none.md")


async def test_no_index_yet(workspace, tmp_path):
    assert_one_clear_line(await voxbot(workspace, "bot", PERSIST_DIRECTORY=str(tmp_path)), "kb build")


async def test_a_damaged_model(workspace, tmp_path):
    models = tmp_path / "models"
    status, _, errors = await voxbot(workspace, "models", "fetch", MODELS_DIR=str(models))
    assert status == 0, errors
    weights = models / "whisper-base" / "model.bin"
    with weights.open("r+b") as file:
        file.seek(1_000_000)
        file.write(b"damaged")
    assert_one_clear_line(await voxbot(workspace, "bot", MODELS_DIR=str(models)), "whisper-base", "models fetch")


async def test_a_busy_port(workspace):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert_one_clear_line(await voxbot(workspace, "api", API_PORT=port), port, "API_PORT")


async def test_broken_prompts(workspace, tmp_path):
    prompts = tmp_path / "prompts.json"
    prompts.write_text('{"greeting": "Здравствуйте"')
    assert_one_clear_line(await voxbot(workspace, "bot", PROMPTS_FILE_PATH=str(prompts)), "prompts.json")


async def test_a_refused_ari_password_stops_the_bot_and_everything_else(workspace):
    async def refuse(_request):
        return web.Response(status=401)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", refuse)
    async with TestServer(app) as asterisk:
        environ = {"ARI_HTTP_URL": str(asterisk.make_url("/")), "ARI_PASSWORD": "very-secret"}
        environ |= {"API_PORT": "0", "NOTIFIER_PORT": "0"}
        result = await voxbot(workspace, "bot", **environ)
        assert_one_clear_line(result, "ARI_PASSWORD", "ari.conf")
        assert "very-secret" not in "".join(result[1:])
        assert_one_clear_line(await voxbot(workspace, "up", **environ), "ARI_PASSWORD")


async def test_simulate_with_a_file_that_is_no_wav(workspace):
    result = await voxbot(workspace, "simulate", "--wav", "kb/general.md", "--out", "heard.wav")
    assert_one_clear_line(result, "kb/general.md", "WAV")
