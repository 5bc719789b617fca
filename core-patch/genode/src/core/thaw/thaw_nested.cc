/*
 * \brief  Region maps of RM sessions: what is attached in them, and who waits for a fault
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#include <regions.h>

using namespace Thaw;
using namespace Core;


static Books::Word id_of(Native_capability const &cap) { return cap.valid() ? Books::Word(cap.local_name()) : 0; }


bool Books::is_nested(Word badge) const
{
	for (unsigned i = 0; i < _num_nested; i++)
		if (_nested[i] == badge)
			return true;
	return false;
}


bool Books::_note_nested(Word badge)
{
	if (is_nested(badge))
		return true;
	if (_num_nested == MAX_NESTED)
		return false;
	_nested[_num_nested++] = badge;
	return true;
}


Region_map_component *Books::map(Pd &pd, Word number)
{
	switch (number) {
	case S::ADDRESS_SPACE: return &pd.address_space_region_map();
	case S::STACK_AREA:    return &private_of<Session_stack>(pd);
	case S::LINKER_AREA:   return &private_of<Session_linker>(pd);
	}
	return nullptr;
}


Books::Word Books::fault_handler(Pd &pd, Word number)
{
	Region_map_component * const rm = map(pd, number);
	if (!rm)
		return 0;
	Mutex::Guard guard(private_of<Map_mutex>(*rm));
	return id_of(private_of<Map_handler>(*rm));
}


Books::S::Nested Books::nested(Capability<Session> rm, Word n)
{
	S::Nested result { .result = S::Result::NOT_FOUND };
	_ep.apply(reinterpret_cap_cast<Rm_session>(rm), [&] (Rm_session_component *session) {
		if (!session)
			return;
		Region_map_component *map = private_of<Rm_maps>(*session).first();
		/* the base class is private */
		for (Word i = 0; map && i < n; i++)
			map = ((List<Region_map_component>::Element &)(*map)).next();
		if (!map)
			return;
		Mutex::Guard guard(private_of<Map_mutex>(*map));
		Dataspace_component &ds = private_of<Map_dataspace>(*map);
		result = { .result   = S::Result::OK,
		           .badge    = id_of(map->Rpc_object_base::cap()),
		           .ds_badge = id_of(ds.cap()),
		           .size     = Word(ds.size()),
		           .handler  = id_of(private_of<Map_handler>(*map)),
		           .faulters = !private_of<Map_faulters>(*map).empty() };
		if (!_note_nested(result.badge))
			result.result = S::Result::UNSUPPORTED;
	});
	return result;
}


Books::S::Region Books::nested_region(Pd &pd, Word badge, Word n)
{
	if (n == 0) {
		_num_regions = 0;
		_with_nested(badge, [&] (Region_map_component &map) {
			_for_each_region(map, badge, 0, 0, ~0u, [&] (Rm_region const &region, Word in, Word addr) {
				_list(pd, region, in, addr); }); });
	}
	if (n < _num_regions)
		return n < MAX_REGIONS ? _regions[n] : S::Region { .result = S::Result::UNSUPPORTED };
	return { .result = S::Result::NOT_FOUND };
}


/*
 * A thread whose fault is not resolved must not be brought out: its fault would be told once more, and core would have
 * it twice in its list
 */
bool Books::anybody_faults()
{
	bool result = false;
	for (unsigned i = 0; i < _num_nested; i++)
		_with_nested(_nested[i], [&] (Region_map_component &map) {
			Mutex::Guard guard(private_of<Map_mutex>(map));
			result |= !private_of<Map_faulters>(map).empty(); });
	return result;
}
