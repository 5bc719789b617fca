/*
 * \brief  Walking through region maps
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#ifndef _CORE__THAW__REGIONS_H_
#define _CORE__THAW__REGIONS_H_

#include <books.h>


template <typename FN>
void Thaw::Books::_for_each_region(Core::Region_map_component &rm, Word map, Word base, Word from, Word to, FN const &fn)
{
	Genode::Mutex::Guard guard(private_of<Map_mutex>(rm));
	auto &regions = private_of<Map_regions>(rm);
	private_of<Avl_blocks>(static_cast<Genode::Allocator_avl_base &>(regions)).for_each([&] (auto const &block) {
		if (!block.used())
			return;
		Core::Rm_region *region = regions.metadata((void *)block.addr());
		if (!region || region->reserved())
			return;
		/* of a nested map only a window may be visible */
		if (region->base() < from || region->base() + region->size() > to)
			return;
		fn(*region, map, base + Word(region->base()) - from);
	});
}


template <typename FN>
void Thaw::Books::_with_nested(Word badge, FN const &fn)
{
	Genode::Cap_index *index = is_nested(badge) ? Genode::cap_map().find(badge) : nullptr;
	if (!index)
		return;
	_ep.apply(Genode::reinterpret_cap_cast<Genode::Region_map>(Genode::Native_capability(index)), [&] (Core::Region_map_component *rm) {
		if (rm) fn(*rm); });
}

#endif /* _CORE__THAW__REGIONS_H_ */
