/*
 * \brief  The parts of Thaw's service in core
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#ifndef _CORE__THAW__PARTS_H_
#define _CORE__THAW__PARTS_H_

#include <make.h>
#include <late_gates.h>

namespace Thaw {

	struct Parts;

	/**
	 * From now on the engine's questions are answered
	 */
	void answer_engine(Parts &);
}


/*
 * What exists once
 */
struct Thaw::Parts
{
	Core::Rpc_entrypoint &core_ep;
	In_entrypoint         in_core_ep { core_ep };
	Books                 books      { core_ep };
	Maker                 maker      { core_ep, books };
	Late_gates            late_gates { };
	Foc::l4_cap_idx_t     mender     { };
	thaw_wiring           wiring     { };
	bool                  in_use     { false };

	/* of the PD that is open, when the last request came that has to do with it; 0 if that is gone */
	thaw_word open_task { 0 };

	void note_task()
	{
		open_task = 0;
		books.with_pd([&] (Books::Pd &pd) { open_task = Books::task(pd) >> Foc::L4_CAP_SHIFT; });
	}

	Parts(Core::Rpc_entrypoint &ep) : core_ep(ep) { }
};

#endif /* _CORE__THAW__PARTS_H_ */
