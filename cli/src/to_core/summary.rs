//! What is said about a core that was written.

use std::io::{self, Write};

use serde::Serialize;

use super::layout::{Content, Plan, Segment};
use super::{Request, notes};
use crate::view::Word;
use crate::words::{self, Names};

/// A core that was written.
#[derive(Serialize)]
pub struct Core {
    core: String,
    target: String,
    threads: Vec<CoreThread>,
    segments: Vec<CoreSegment>,
    /// Modules that the core lacks because no file was given.
    missing_modules: Vec<String>,
}

#[derive(Serialize)]
struct CoreThread {
    lwp: u32,
    index: u32,
    name: String,
    doing: String,
    pc: Word,
    sp: Word,
}

#[derive(Serialize)]
struct CoreSegment {
    start: Word,
    bytes: u32,
    access: String,
    content: String,
    is_stored: bool,
}

impl Core {
    /// Describes the core made by `plan`.
    pub fn new(request: &Request<'_>, plan: &Plan, names: &Names) -> Self {
        let threads = plan.threads.iter().map(|(index, thread)| CoreThread {
            lwp: notes::lwp(*index),
            index: *index,
            name: thread.name.to_string(),
            doing: words::doing(thread, plan.pd, names),
            pc: thread.frame.pc.into(),
            sp: thread.frame.sp.into(),
        });
        Self {
            core: request.out.display().to_string(),
            target: plan.name.clone(),
            threads: threads.collect(),
            segments: plan.segments.iter().map(segment).collect(),
            missing_modules: plan.missing_modules(),
        }
    }

    /// Writes it as text.
    pub fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}: core of {}", self.core, self.target)?;
        writeln!(out, "\nthreads")?;
        let width = self.threads.iter().map(|thread| thread.name.len()).max().unwrap_or(0);
        for thread in &self.threads {
            writeln!(out, "  LWP {} {:2} {:width$} {}", thread.lwp, thread.index, thread.name, thread.doing)?;
        }
        writeln!(out, "\nmemory")?;
        for segment in &self.segments {
            let (start, access) = (segment.start, &segment.access);
            writeln!(out, "  {start} {:>9} bytes {access} {}", segment.bytes, segment.content)?;
        }
        for module in &self.missing_modules {
            writeln!(out, "\nmodule {module} is not in the core: give --rom {module}=FILE to have it there")?;
        }
        Ok(())
    }
}

fn segment(segment: &Segment) -> CoreSegment {
    CoreSegment {
        start: segment.addr.into(),
        bytes: segment.bytes,
        access: words::access(segment.access),
        content: match &segment.content {
            Content::Pages { dataspace, .. } => format!("dataspace {dataspace}"),
            Content::Rom { module, .. } => format!("module {module}"),
            Content::LeftOut { module } => format!("module {module}, left out"),
            Content::Utcbs { .. } => "utcbs".into(),
        },
        is_stored: segment.is_stored(),
    }
}
