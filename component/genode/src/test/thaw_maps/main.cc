/*
 * \brief  Region maps in region maps, with offsets and faults, and knows nothing of checkpoints
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#include <base/attached_ram_dataspace.h>
#include <base/component.h>
#include <base/log.h>
#include <region_map/client.h>
#include <rm_session/connection.h>
#include <timer_session/connection.h>

using namespace Genode;


static bool violation;

static void check(bool ok, char const *what)
{
	if (ok) return;
	violation = true;
	error("VIOLATION: ", what);
}


/**
 * The thread that touches a page that is not there waits until this has attached one
 */
struct Resolver : Entrypoint
{
	Env               &_env;
	Region_map_client &_map;

	Ram_dataspace_capability const _page { _env.ram().alloc(4096) };

	Signal_handler<Resolver> _handler { *this, *this, &Resolver::_resolve };

	unsigned volatile count = 0;

	void _resolve()
	{
		Region_map::Fault const fault = _map.fault();
		if (fault.type == Region_map::Fault::Type::NONE)
			return;

		/* who waits goes on as soon as there is a page */
		count = count + 1;

		addr_t const at = fault.addr & ~addr_t(4095);
		(void)_map.attach(_page, { .size = 4096, .offset = 0, .use_at = true, .at = at,
		                           .executable = false, .writeable = true });
	}

	Resolver(Env &env, Region_map_client &map, char const *name)
	:
		Entrypoint(env, 8*1024, name, Affinity::Location()), _env(env), _map(map)
	{
		_map.fault_handler(_handler);
	}
};


struct Main
{
	enum : addr_t { INNER_SIZE = 0x8000, OUTER_SIZE = 0x10000, PIECE_AT = 0x2000, PIECE_FROM = 0x1000,
	                INNER_AT = 0x8000, INNER_FROM = 0x1000, OUTER_FROM = 0x1000, HOLE_AT = 0x4000, ROUNDS = 40 };

	Env &_env;

	Timer::Connection      _timer { _env };
	Rm_connection          _rm    { _env };
	Region_map_client      _inner { _rm.create(INNER_SIZE) };
	Region_map_client      _outer { _rm.create(OUTER_SIZE) };
	Attached_ram_dataspace _ram   { _env.ram(), _env.rm(), 0x4000 };
	Attached_ram_dataspace _fixed { _env.ram(), _env.rm(), 0x2000 };
	Region_map_client      _own   { _env.pd().address_space() };
	Resolver               _resolver     { _env, _inner, "resolver" };
	Resolver               _own_resolver { _env, _own,   "own_resolver" };

	/* nothing is there in the address space */
	addr_t const _own_hole { _unused() };

	char *_seen = nullptr;

	static void _attach(Region_map_client &map, Dataspace_capability ds, addr_t at, addr_t offset, size_t size, bool write)
	{
		check(map.attach(ds, { .size = size, .offset = offset, .use_at = true, .at = at,
		                       .executable = false, .writeable = write }).ok(), "nothing attached");
	}

	addr_t _unused()
	{
		Attached_ram_dataspace const for_a_moment { _env.ram(), _env.rm(), 0x1000 };
		return addr_t(for_a_moment.local_addr<char>());
	}

	/* where an address of the inner map is seen */
	uint32_t volatile &_at(addr_t inner) const
	{
		return *(uint32_t volatile *)(_seen + INNER_AT - OUTER_FROM + inner - INNER_FROM);
	}

	uint32_t volatile &_directly(addr_t offset) { return *(uint32_t volatile *)(_ram.local_addr<char>() + offset); }

	void _round(unsigned n)
	{
		/* the same page, seen on two ways */
		_at(PIECE_AT + 4*n) = 0x1000 + n;
		check(_directly(PIECE_FROM + 4*n) == 0x1000 + n, "a page is another one when it is seen through the maps");
		_directly(PIECE_FROM + 0x1000 + 4*n) = 0x2000 + n;
		check(_at(PIECE_AT + 0x1000 + 4*n) == 0x2000 + n, "the second page is another one");
		check(*(uint32_t volatile *)_seen == 0xf1f1, "what is attached read-only has changed");

		/* nothing is there until it is touched */
		unsigned const before = _resolver.count;
		_at(HOLE_AT) = 0x3000 + n;
		check(_at(HOLE_AT) == 0x3000 + n, "a page is lost that came by a fault");
		check(_resolver.count == before + 1, "a fault was resolved twice, or by nobody");
		_inner.detach(HOLE_AT);

		/* the same in the address space itself */
		unsigned const own_before = _own_resolver.count;
		uint32_t volatile &own = *(uint32_t volatile *)_own_hole;
		own = 0x4000 + n;
		check(own == 0x4000 + n, "a page of the address space is lost that came by a fault");
		check(_own_resolver.count == own_before + 1, "a fault in the address space was resolved twice, or by nobody");
		_own.detach(_own_hole);

		_timer.msleep(100);
	}

	Main(Main const &) = delete;
	Main &operator = (Main const &) = delete;

	Main(Env &env) : _env(env)
	{
		log("maps begin");
		*(uint32_t *)(_fixed.local_addr<char>() + 0x1000) = 0xf1f1;

		_attach(_inner, _ram.cap(),         PIECE_AT, PIECE_FROM, 0x2000,              true);
		_attach(_outer, _inner.dataspace(), INNER_AT, INNER_FROM, 0x4000,              true);
		_attach(_outer, _fixed.cap(),       0x0000,   0x0000,     0x2000,              false);

		_env.rm().attach(_outer.dataspace(), { .size = 0xc000, .offset = OUTER_FROM, .use_at = false, .at = 0,
		                                       .executable = false, .writeable = true }).with_result(
			[&] (Env::Local_rm::Attachment &a) { a.deallocate = false; _seen = (char *)a.ptr; },
			[&] (Env::Local_rm::Error)         { check(false, "the outer map is not attached"); });
		if (!_seen)
			return;

		for (unsigned n = 1; n <= ROUNDS; n++) {
			_round(n);
			if (n % 10 == 0)
				log("round ", n, ", ", unsigned(_resolver.count + _own_resolver.count), " faults");
		}

		/* the session and its maps are whole */
		Capability<Region_map> const fresh = _rm.create(4096);
		check(fresh.valid(), "no other map can be made");
		_rm.destroy(fresh);
		_env.rm().detach(addr_t(_seen));
		_rm.destroy(_outer.rpc_cap());

		log("maps done, ", violation ? "with violations" : "no violation");
		_env.parent().exit(violation);
	}
};


void Component::construct(Env &env) { static Main main(env); }
