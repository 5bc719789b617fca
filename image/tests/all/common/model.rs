//! A target as plain lists, written to an image and read back from one.

use thaw_image::*;

/// The body of an image in memory.
#[derive(Default)]
pub struct Body(pub Vec<u8>);

impl Sink for Body {
    type Error = core::convert::Infallible;

    fn write(&mut self, bytes: &[u8]) -> Result<(), Self::Error> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

/// All that an image of one protection domain says.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    pub identity: Identity,
    pub target: Target,
    pub externals: Vec<External>,
    /// Dataspaces with their pages; none for ROM.
    pub dataspaces: Vec<(Dataspace, Vec<u8>)>,
    pub regions: Vec<Region>,
    pub threads: Vec<Thread>,
    pub links: Vec<Link>,
    pub queued: Vec<Queued>,
    pub gates: Vec<Gate>,
    pub irqs: Vec<Irq>,
    pub objects: Vec<Object>,
    pub slots: Vec<Slot>,
}

fn put_all<R: Saved, S: Sink>(table: &mut TableWriter<'_, S>, records: &[R]) -> Result<(), Error<S::Error>> {
    records.iter().try_for_each(|record| table.put(0, record).map(|_| ()))
}

impl Model {
    /// Writes the body to `sink`.
    pub fn write<S: Sink>(&self, sink: S, table_len: usize) -> Result<Finished, Error<S::Error>> {
        let mut extents = vec![Extent::EMPTY; table_len];
        let mut writer = Writer::new(sink, self.identity, &mut extents);
        for (index, (dataspace, pages)) in (0..).zip(&self.dataspaces) {
            if dataspace.content == Content::Ram {
                writer.begin_dataspace(index, (pages.len() / PAGE_SIZE) as u32)?;
                // Pieces of odd sizes, as a component with a small buffer would give them.
                pages.chunks(7 * PAGE_SIZE).try_for_each(|piece| writer.pages(piece))?;
            }
        }
        let mut table = writer.begin_table()?;
        put_all(&mut table, &[self.target])?;
        put_all(&mut table, &self.externals)?;
        for (dataspace, _) in &self.dataspaces {
            table.put(0, dataspace)?;
        }
        put_all(&mut table, &self.regions)?;
        put_all(&mut table, &self.threads)?;
        put_all(&mut table, &self.links)?;
        put_all(&mut table, &self.queued)?;
        put_all(&mut table, &self.gates)?;
        put_all(&mut table, &self.irqs)?;
        put_all(&mut table, &self.objects)?;
        put_all(&mut table, &self.slots)?;
        table.finish()
    }

    /// Returns the image file, or why the model is refused.
    pub fn try_image(&self, table_len: usize) -> Result<Vec<u8>, Refusal> {
        let mut body = Body::default();
        match self.write(&mut body, table_len) {
            Ok(finished) => Ok([&finished.block[..], &body.0].concat()),
            Err(Error::Refused(refusal)) => Err(refusal),
            Err(Error::Io(never)) => match never {},
        }
    }

    /// Returns the image file.
    pub fn image(&self) -> Vec<u8> {
        self.try_image(1024).expect("the model is valid")
    }

    /// Reads a model from a verified image.
    pub fn read<S: Source>(verified: &Verified, source: &mut S) -> Self
    where
        S::Error: core::fmt::Debug,
    {
        let mut model = Self {
            identity: verified.header().identity,
            target: super::sample::target(),
            externals: vec![],
            dataspaces: vec![],
            regions: vec![],
            threads: vec![],
            links: vec![],
            queued: vec![],
            gates: vec![],
            irqs: vec![],
            objects: vec![],
            slots: vec![],
        };
        let mut cursor = verified.records();
        let mut next = [0; 13];
        while let Some(record) = cursor.next(source).expect("verified") {
            let kind = record.body.kind() as usize;
            if kind != Kind::Slot as usize {
                assert_eq!(record.index, next[kind]);
            }
            next[kind] += 1;
            model.take(verified, source, record);
        }
        model
    }

    fn take<S: Source>(&mut self, verified: &Verified, source: &mut S, record: Record)
    where
        S::Error: core::fmt::Debug,
    {
        use thaw_image::Body;
        match record.body {
            Body::Target(target) => self.target = target,
            Body::External(external) => self.externals.push(external),
            Body::Dataspace(dataspace) => self.dataspaces.push((dataspace, vec![])),
            Body::Region(region) => self.regions.push(region),
            Body::Thread(thread) => self.threads.push(thread),
            Body::Link(link) => self.links.push(link),
            Body::Queued(queued) => self.queued.push(queued),
            Body::Gate(gate) => self.gates.push(gate),
            Body::Irq(irq) => self.irqs.push(irq),
            Body::Object(object) => self.objects.push(object),
            Body::Slot(slot) => self.slots.push(slot),
            Body::Extent(extent) => {
                let pages = &mut self.dataspaces[extent.dataspace as usize].1;
                assert_eq!(pages.len(), extent.first_page as usize * PAGE_SIZE);
                let mut buffer = vec![0; 3 * PAGE_SIZE];
                let copied = verified.copy_extent(source, &extent, &mut buffer, |_, bytes| {
                    pages.extend_from_slice(bytes);
                    Ok::<(), Error<S::Error>>(())
                });
                copied.expect("verified");
            }
        }
    }
}

/// Returns the header of an image file.
pub fn header_of(image: &[u8]) -> Header {
    Header::parse(&image[..HEADER_BLOCK]).expect("a whole header")
}

/// Makes the hashes of table and header right again after an edit, as only a writer could.
pub fn reseal(image: &mut [u8]) {
    let word = |image: &[u8], at: usize| {
        u64::from_le_bytes(image[at..at + 8].try_into().expect("eight bytes")) as usize
    };
    let (start, length) = (word(image, 184), word(image, 192));
    let table = image.get(start..).and_then(|rest| rest.get(..length)).map(Digest::of);
    if let Some(digest) = table {
        image[240..272].copy_from_slice(&digest.0);
    }
    let digest = Digest::of(&image[..448]);
    image[448..480].copy_from_slice(&digest.0);
}
