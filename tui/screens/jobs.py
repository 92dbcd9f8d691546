"""Jobs, and what waits for its time; a job can be paused, resumed and cancelled here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.containers import Container
from textual.widget import Widget

from tui.keys import JOBS, Action
from tui.session.messages import Control
from tui.widgets.jobs import JobsBox, LaterBox

from .live import LiveScreen


class JobsScreen(LiveScreen):
    """What is done to a job is done in the engine process, whose answer is one line."""

    KEYS: ClassVar[Sequence[Action]] = JOBS
    BINDINGS: ClassVar[list[BindingType]] = LiveScreen.bindings_of(JOBS)
    jobs_wanted = 100

    def body(self) -> Widget:
        """The jobs above, what waits below."""
        return Container(JobsBox(), LaterBox(), id="jobs")

    def action_pause_job(self) -> None:
        """Start nothing more of the chosen job."""
        self._control("pause")

    def action_resume_job(self) -> None:
        """Let the chosen job go on."""
        self._control("resume")

    def action_cancel_job(self) -> None:
        """Cancel the chosen job."""
        self._control("cancel")

    def _control(self, action: str) -> None:
        job = self.query_one(JobsBox).chosen
        if job is None:
            self.say(f"There is no job to {action}.", wrong=True)
        else:
            self.run_worker(self._ask(action, job.number), name=action)

    async def _ask(self, action: str, job: int) -> None:
        answer = await self.monitor_app.ask(Control(job, action))
        if answer is None:
            self.say(f"{action} of job {job}: no answer yet from the engine process", wrong=True)
        else:
            self.say(answer.text, wrong=answer.refused)
        self.monitor.run.jobs.listed = False  # the next look asks anew
