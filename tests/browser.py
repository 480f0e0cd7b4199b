"""Debian's Chromium without a window, driven over the pipe of its DevTools protocol: no driver, no library."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import time
from itertools import count
from pathlib import Path
from typing import Any

#: Seconds that the browser has for a command, and a page for what is waited for.
PATIENCE = 30


class Browser:
    """A browser that reaches this machine alone, from the beginning of a `with` to its end."""

    def __init__(self, binary: str, folder: Path, width: int = 1200, height: int = 900) -> None:
        options = [
            "--headless=new",
            "--no-sandbox",  # it refuses to run as root with one
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
            f"--user-data-dir={folder}",
            f"--window-size={width},{height}",
            "--remote-debugging-pipe",
        ]
        self._command = [binary, *options, "about:blank"]
        self._numbers, self._rest, self.failed = count(1), b"", list[str]()

    def __enter__(self) -> Browser:
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        self._in, self._out = ours_in, ours_out
        high = [os.dup2(theirs_in, 63), os.dup2(theirs_out, 64)]  # out of the way of 3 and 4
        script = 'exec 3<&63 4>&64 63<&- 64>&-; exec "$@"'
        self._process = subprocess.Popen(
            ["bash", "-c", script, "bash", *self._command],
            pass_fds=(63, 64),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for descriptor in (theirs_in, theirs_out, *high):
            os.close(descriptor)
        try:
            target = self._say("Target.createTarget", url="about:blank")["targetId"]
            self._session = self._say("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            for domain in ("Page", "Runtime", "Network", "Log"):
                self.say(f"{domain}.enable")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        for descriptor in (self._in, self._out):
            os.close(descriptor)

    def say(self, method: str, **params: Any) -> Any:
        """A command to the page; what it answers."""
        return self._say(method, self._session, **params)

    def open(self, url: str) -> None:
        self.say("Page.navigate", url=url)

    def value(self, script: str) -> Any:
        """What a script gives."""
        answer = self.say("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait(self, script: str) -> Any:
        """What a script gives as soon as that is something."""
        end = time.monotonic() + PATIENCE
        while not (found := self.value(script)):
            assert time.monotonic() < end, (
                f"{script} never came; the page says {self.value('document.body.innerText')}"
            )
            time.sleep(0.05)
        return found

    def click(self, selector: str) -> None:
        """Press and release the mouse over an element."""
        script = f"""(() => {{ const e = document.querySelector({json.dumps(selector)}); e.scrollIntoView({{block: "center"}});
            const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; }})()"""
        x, y = self.value(script)
        for kind in ("mousePressed", "mouseReleased"):
            self.say("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def picture(self, file: Path) -> None:
        file.write_bytes(base64.b64decode(self.say("Page.captureScreenshot", format="png")["data"]))

    def _say(self, method: str, session: str | None = None, **params: Any) -> Any:
        number = next(self._numbers)
        said = {"id": number, "method": method, "params": params} | (
            {"sessionId": session} if session else {}
        )
        os.write(self._out, json.dumps(said).encode() + b"\0")
        end = time.monotonic() + PATIENCE
        while True:
            answer = self._read(end)
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]
            if answer.get("method") in ("Network.loadingFailed", "Runtime.exceptionThrown") or (
                answer.get("method") == "Log.entryAdded" and answer["params"]["entry"]["level"] == "error"
            ):
                self.failed.append(json.dumps(answer["params"]))

    def _read(self, end: float) -> Any:
        while b"\0" not in self._rest:
            ready = select.select([self._in], [], [], max(0, end - time.monotonic()))[0]
            part = os.read(self._in, 65536) if ready else b""
            assert part, "the browser does not answer"
            self._rest += part
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)


def chromium() -> str | None:
    """Where Chromium is, if it is here."""
    return shutil.which("chromium") or shutil.which("chromium-browser")
