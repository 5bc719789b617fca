//! Failures that a test orders. **For tests only**: no PD may order any unless its line in the `system` module
//! has the word `faults`.

use core::sync::atomic::{AtomicU32, Ordering};

use thaw_l4::faults::{FaultKind, Faults};
use thaw_l4::{CapIndex, Message, raw};
use thaw_native_abi::manager as op;

use crate::books::Root;
use crate::error::{Error, Result};
use crate::label::{Kind, Label, PdId};
use crate::machine::{DEBUGGER, Machine, TASK};
use crate::request::{Args, Outcome};

/// Orders for root's main thread.
pub static MAIN: Faults = Faults::new();
/// Orders for the handler of the checkpoint service.
pub static SERVICE: Faults = Faults::new();

/// Orders for the life of the one client that may give any: each of its requests counts.
pub static LIFE: Faults = Faults::new();
/// How many lives were ended so.
static LIVES: AtomicU32 = AtomicU32::new(0);

/// Counts of the test kernel: operation of its debugger, and where the kinds of objects begin.
const KERNEL_COUNTS: u32 = 0x7401;
const KINDS: usize = 2;

/// Counts an allocation in root's books; the one that was ordered to fail does so with `error`.
pub fn allocation(error: Error) -> Result<()> {
    if MAIN.strikes(FaultKind::Allocation) { Err(error) } else { Ok(()) }
}

/// Counts a request of a PD that may order failures; whether it ends the PD's life.
pub fn ends_life() -> bool {
    let ends = LIFE.strikes(FaultKind::Request);
    LIVES.fetch_add(ends.into(), Ordering::Relaxed);
    ends
}

impl Root {
    /// Whether a request with that label ends the life of who sent it.
    #[must_use]
    pub fn ends_life(&self, label: Label) -> Option<PdId> {
        let pd = self.pds.get(label.pd).ok()?;
        let sender = match label.kind {
            Kind::Program | Kind::Manager => pd.id,
            Kind::Parent => pd.parent?,
            _ => return None,
        };
        let may = self.pds.get(sender).is_ok_and(|pd| pd.faults);
        (may && ends_life()).then_some(sender)
    }

    /// Puts the first thread of a PD into a slot of a PD that it made, or makes that PD nobody's.
    fn plant(&mut self, m: &impl Machine, pd: PdId, slot: u32, what: u32) -> Result<Outcome> {
        let thread = self.pds.get(pd)?.thread(0)?.cap;
        let parent = if what == op::PLANT_BACK { None } else { Some(pd) };
        let child = self.pds.iter_mut().find(|child| child.parent == parent && child.parent_gate.is_some());
        let child = child.ok_or(Error::NoSuchObject)?;
        match what {
            op::PLANT_THREAD => {
                child.task.map_cap(m, TASK, thread.index(), CapIndex(slot), raw::L4_CAP_FPAGE_RWS, 0)?;
            }
            op::PLANT_NOTHING => child.task.unmap_cap(m, CapIndex(slot))?,
            op::PLANT_AWAY => child.parent = None,
            op::PLANT_BACK => child.parent = Some(pd),
            _ => return Err(Error::UnknownRequest),
        }
        Ok(Outcome::EMPTY)
    }

    /// Serves requests of tests.
    pub fn fault_request(
        &mut self,
        m: &impl Machine,
        pd: PdId,
        operation: u32,
        args: Args<'_>,
    ) -> Result<Outcome> {
        if !self.pds.get(pd)?.faults {
            return Err(Error::NotConfigured);
        }
        match operation {
            op::FAULT => {
                let kind = FaultKind::from_number(args.get(2)?).ok_or(Error::UnknownRequest)?;
                let faults = match args.get(1)? {
                    op::MAIN => &MAIN,
                    op::SERVICE => &SERVICE,
                    op::LIFE => &LIFE,
                    _ => return Err(Error::NoSuchObject),
                };
                Ok(Outcome::words(&[faults.order(kind, args.get(3)?)]))
            }
            op::PLANT => self.plant(m, pd, args.get(1)?, args.get(2)?),
            op::LIVES => Ok(Outcome::words(&[LIVES.load(Ordering::Relaxed)])),
            op::KERNEL_COUNTS => {
                let told = Message::new(m).word(KERNEL_COUNTS).call(DEBUGGER, raw::L4_PROTO_DEBUGGER);
                // Other kernels refuse what they do not know, each in its own way.
                told.map_err(|_| Error::UnknownRequest)?;
                let all = m.mr(0);
                let kinds: [u32; 6] = core::array::from_fn(|i| m.mr(KINDS + i));
                Ok(Outcome::words(&[all, kinds[0], kinds[1], kinds[2], kinds[3], kinds[4], kinds[5]]))
            }
            _ => Err(Error::UnknownRequest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{FakeMachine, books, spec};

    #[test]
    fn only_a_pd_that_is_configured_so_orders_failures() {
        let (m, mut root) = (FakeMachine::new(), books());
        let pd = root.pd_create(&m, &spec(None)).expect("room");
        let label = Label::session(Kind::Manager, pd).encode();
        let send = |root: &mut Root, words: &[u32]| m.send(root, label, words).expect("an answer").0;
        for words in [[op::FAULT, op::MAIN, FaultKind::Write as u32, 1], [op::KERNEL_COUNTS, 0, 0, 0]] {
            assert_eq!(send(&mut root, &words), -(raw::L4_EPERM as i32));
        }
        root.pds.get_mut(pd).expect("there").faults = true;
        // Of a kind that root has none of: nothing of the tests beside this one fails.
        let order = [op::FAULT, op::MAIN, FaultKind::Write as u32, 1];
        assert_eq!(send(&mut root, &order), 0);
        assert_eq!(MAIN.order(FaultKind::Write, 0), 1);
        assert_eq!(send(&mut root, &[op::FAULT, 4, FaultKind::Write as u32, 1]), -(raw::L4_ENOENT as i32));
        assert_eq!(send(&mut root, &[op::FAULT, op::MAIN, 99, 1]), -(raw::L4_ENOSYS as i32));
    }
}
