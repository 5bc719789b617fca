//! The one loop of root's main thread: pager and server.

use thaw_l4::{Incoming, MsgTag, Timeout, Timeouts, ipc, raw};
use thaw_native_abi::target::LOG_BYTES_MAX;

use crate::books::{Root, say, write_line};
use crate::destroy::prefixed;
use crate::error::{Error, Result};
use crate::label::{Kind, Label, PdId};
use crate::machine::Machine;
use crate::request::{Args, Outcome, WORDS_MAX, refusal};

/// Replies never wait; messages are waited for without end.
const TIMEOUTS: Timeouts = Timeouts::new(Timeout::ZERO, Timeout::NEVER);

/// Serves for ever.
pub fn serve(root: &mut Root, m: &impl Machine) -> ! {
    let mut reply = None;
    loop {
        // Making objects sets a receive buffer; nobody may send a capability into it.
        ipc::set_buffers(m, &[], false);
        let next = match reply {
            Some(tag) => ipc::reply_and_wait(m, tag, TIMEOUTS),
            None => ipc::wait(m, TIMEOUTS),
        };
        // An error is a reply to a caller that no longer waits.
        reply = next.ok().and_then(|message| root.message(m, &message));
    }
}

impl Root {
    /// Serves one message; `None` leaves the sender waiting.
    pub fn message(&mut self, m: &impl Machine, message: &Incoming) -> Option<MsgTag> {
        let Some(label) = Label::decode(message.label) else {
            return Some(refusal(Error::NoSuchObject));
        };
        if label.kind == Kind::Pager {
            return self.pager_message(m, label, message.tag);
        }
        let mut words = [0; WORDS_MAX];
        let count = (message.tag.words() as usize).min(WORDS_MAX);
        for (i, word) in words.iter_mut().enumerate().take(count) {
            *word = m.mr(i);
        }
        let args = Args(&words[..count]);
        if label.kind != Kind::Internal && self.pds.get(label.pd).is_err() {
            return Some(refusal(Error::StaleCapability));
        }
        if let Some(sender) = self.ends_life(label) {
            // Nobody is left to be answered.
            return self.checkpointer_end(m, sender).is_err().then_some(refusal(Error::Ending));
        }
        match self.session_request(m, label, message.tag, args) {
            Ok(outcome) => outcome.reply(m),
            Err(e) => {
                self.report(m, label, args, e);
                Some(refusal(e))
            }
        }
    }

    fn session_request(
        &mut self,
        m: &impl Machine,
        label: Label,
        tag: MsgTag,
        args: Args<'_>,
    ) -> Result<Outcome> {
        if label.kind == Kind::Log {
            return self.log(m, label.pd, args);
        }
        if tag.label() != raw::L4_PROTO_NONE {
            return Err(Error::UnknownRequest);
        }
        let operation = args.get(0)?;
        match label.kind {
            Kind::Program => self.program_request(m, label.pd, operation, args),
            Kind::Manager => self.manager_request(m, label.pd, operation, args),
            Kind::Parent => self.parent_request(m, label.pd, operation, args),
            Kind::Internal => self.internal_request(m, operation, args),
            Kind::Log | Kind::Pager | Kind::Checkpoint => Err(Error::UnknownRequest),
        }
    }

    /// Mistakes of managers and parents are named; a program's are its own business.
    fn report(&self, m: &impl Machine, label: Label, args: Args<'_>, error: Error) {
        let whose = match label.kind {
            Kind::Manager => "manager",
            Kind::Parent => "parent of",
            _ => return,
        };
        if matches!(error, Error::EndOfList | Error::EndOfThreads) {
            return;
        }
        let operation = args.get(0).unwrap_or(0);
        say(m, format_args!("{whose} pd `{}`: request {operation} refused: {error}", self.name(label.pd)));
    }

    fn log(&mut self, m: &impl Machine, id: PdId, args: Args<'_>) -> Result<Outcome> {
        let bytes = args.get(0)?;
        if bytes > LOG_BYTES_MAX {
            return Err(Error::BadSize);
        }
        let (bytes, words) = (bytes as usize, &args.0[1..]);
        if words.len() * 4 < bytes {
            return Err(Error::MessageTooShort);
        }
        let pd = self.pds.get_mut(id)?;
        let name = pd.name;
        let text = words.iter().flat_map(|w| w.to_le_bytes()).take(bytes);
        pd.line.append(text, |line| write_line(m, &mut prefixed(name, line)));
        Ok(Outcome::EMPTY)
    }
}
